#pragma once
// What a text says.

#include <string>

namespace support {

inline bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

} // namespace support
