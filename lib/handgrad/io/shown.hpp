#pragma once

#include <string>
#include <string_view>

namespace handgrad::io {

/// Replaces control characters and removes line breaks from the end.
inline std::string one_line(std::string_view text, char replacement = ' ') {
    std::string line(text.substr(0, text.find_last_not_of('\n') + 1));
    for (char& c : line) { c = static_cast<unsigned char>(c) < 32 || c == 127 ? replacement : c; }
    return line;
}

/// Quotes text of unknown origin for a message: on one line, at most `longest` characters.
inline std::string shown(std::string_view text, std::size_t longest = 80) {
    return "'" + one_line(text.substr(0, longest), '?') + (text.size() > longest ? "...'" : "'");
}

} // namespace handgrad::io
