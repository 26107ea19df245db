#pragma once
/// @file
/// Validation of the step of a numeric derivative.

#include <string_view>

namespace handgrad::check {

/// Throws ShapeError unless h is finite and positive: "complex_step: the step is nan, expected a positive number".
void require_step(std::string_view where, double h);

/// Throws ShapeError: h is so small that x + h or x - h rounds to x.
[[noreturn]] void throw_lost_step(double h, double x);

} // namespace handgrad::check
