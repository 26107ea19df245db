#pragma once
// UTF-8, character by character.

#include <cstddef>
#include <string>
#include <string_view>

namespace handgrad::data {

constexpr char32_t not_utf8 = 0xFFFFFFFF; ///< what next_character() returns for other bytes

/// Reads one character of UTF-8 and moves `at` behind it. Returns `not_utf8`, and leaves `at` alone, if the bytes are no
/// valid UTF-8: a wrong or missing continuation byte, a longer form than necessary, a surrogate, or a number above
/// 0x10FFFF.
inline char32_t next_character(std::string_view text, std::size_t& at) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned char first = byte(at);
    if (first < 0x80) { return static_cast<char32_t>(byte(at++)); }
    const std::size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
    if (first < 0xC0 || first >= 0xF8 || text.size() - at < length) { return not_utf8; }
    char32_t point = first & (0x7F >> length);
    for (std::size_t i = 1; i < length; ++i) {
        if ((byte(at + i) & 0xC0) != 0x80) { return not_utf8; }
        point = point << 6 | (byte(at + i) & 0x3F);
    }
    constexpr char32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
    if (point < least[length] || point > 0x10FFFF || (point >= 0xD800 && point <= 0xDFFF)) { return not_utf8; }
    at += length;
    return point;
}

/// Appends one character in UTF-8.
inline void append(std::string& text, char32_t point) {
    const auto continuation = [&](int shift) { text += static_cast<char>(0x80 | (point >> shift & 0x3F)); };
    if (point < 0x80) {
        text += static_cast<char>(point);
    } else if (point < 0x800) {
        text += static_cast<char>(0xC0 | point >> 6);
        continuation(0);
    } else if (point < 0x10000) {
        text += static_cast<char>(0xE0 | point >> 12);
        continuation(6);
        continuation(0);
    } else {
        text += static_cast<char>(0xF0 | point >> 18);
        continuation(12);
        continuation(6);
        continuation(0);
    }
}

} // namespace handgrad::data
