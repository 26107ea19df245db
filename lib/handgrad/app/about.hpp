#pragma once
/// @file
/// Numbers that depend on the machine.

#include <string>
#include <string_view>

#include <fmt/format.h>

namespace handgrad::app {

/// Formats a number with a tilde before it: "~0.47". The tilde tells the reader that the number differs between machines,
/// and the tests that they must not compare it.
/// @param value  number
/// @param format fmt's format without the colon: about(x, ".2f")
inline std::string about(double value, std::string_view format = ".3g") {
    return fmt::format(fmt::runtime(fmt::format("~{{:{}}}", format)), value);
}

} // namespace handgrad::app
