#pragma once
// What the pattern of the errors says about their cause.

#include <cstddef>
#include <string>
#include <vector>

#include "handgrad/check/report.hpp"

namespace handgrad::check {

/// The likely cause of a failed comparison of two tensors of the same shape with finite entries, or an empty string.
/// `wrong` are the positions of the entries outside the tolerance.
std::string hint(const Tensor<double>& analytic, const Tensor<double>& numeric, const Report& report,
                 const std::vector<std::size_t>& wrong);

/// True if b has a's shape with the two axes exchanged, and its entries too.
bool is_transposed(const Tensor<double>& a, const Tensor<double>& b, double allowed);

/// The deviation, relative to the largest entry, up to which a pattern counts as exact.
double pattern_tolerance(Tolerance tolerance);

/// The index of a position along every axis.
std::vector<std::size_t> indices(const Shape& shape, std::size_t position);

} // namespace handgrad::check
