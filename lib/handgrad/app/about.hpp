#pragma once
/// @file
/// Numbers that depend on the machine.

#include <string>
#include <string_view>

#include <fmt/format.h>

namespace handgrad::app {

/// Formats a number as fmt does, with a tilde before it: about(x, ".2f") is "~0.47". The tilde tells the reader that
/// the number differs between machines, and the tests that they must not compare it.
inline std::string about(double value, std::string_view format = ".3g") {
    return fmt::format(fmt::runtime(fmt::format("~{{:{}}}", format)), value);
}

} // namespace handgrad::app
