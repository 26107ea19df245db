#pragma once
// Searches in text.

#include <string>

namespace support {

inline bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

} // namespace support
