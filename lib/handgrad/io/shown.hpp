#pragma once
// Names out of files that may be damaged, as a message shows them.

#include <algorithm>
#include <string>
#include <string_view>

namespace handgrad::io {

/// 'name' in quotes, on one line, cut to 80 characters.
inline std::string shown(std::string_view name) {
    constexpr std::size_t most = 80;
    std::string text(name.substr(0, most));
    std::replace_if(
        text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; }, '?');
    return "'" + text + (name.size() > most ? "...'" : "'");
}

} // namespace handgrad::io
