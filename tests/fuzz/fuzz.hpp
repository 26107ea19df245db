#pragma once
// What the fuzz targets share. A target gives bytes of any origin to a parser, which must take them or throw the
// library's error with one line; whatever else happens stops the program, and with it the fuzzer.

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace fuzz {

using Bytes = std::vector<std::uint8_t>;

/// Stops the program if something does not hold that has to.
inline void require(bool holds, std::string_view what) {
    if (holds) { return; }
    std::fprintf(stderr, "does not hold: %.*s\n", static_cast<int>(what.size()), what.data());
    std::abort();
}

/// A message is one line, not too long for a terminal, and begins with what it is about.
inline void require_one_line(std::string_view message, std::string_view start) {
    require(message.substr(0, start.size()) == start && message.size() > start.size(), "a message says where");
    require(message.size() < 1000, "a message is short");
    for (const char c : message) {
        require(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f, "a message is one line of text");
    }
}

} // namespace fuzz
