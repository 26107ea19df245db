#pragma once

#include <algorithm>
#include <string>
#include <string_view>

namespace handgrad::io {

/// Quotes text of unknown origin for a message: on one line, at most `longest` characters.
inline std::string shown(std::string_view text, std::size_t longest = 80) {
    std::string line(text.substr(0, longest));
    std::replace_if(
        line.begin(), line.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; }, '?');
    return "'" + line + (text.size() > longest ? "...'" : "'");
}

} // namespace handgrad::io
