#pragma once
/// @file
/// How a chapter prints a number that depends on the machine.

#include <string>
#include <string_view>

namespace handgrad::app {

/// "~0.47": the number with a tilde before it, which tells the reader that it will be another one on another machine,
/// and tells the tests not to compare it. `format` is what stands after the colon in a fmt format: about(x, ".2f").
std::string about(double value, std::string_view format = ".3g");

} // namespace handgrad::app
