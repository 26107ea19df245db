#pragma once
// Derives the likely cause of wrong entries from their pattern.

#include <cstddef>
#include <string>
#include <vector>

#include "handgrad/check/report.hpp"

namespace handgrad::check {

/// Returns the likely cause of a failed comparison, or an empty string. Both tensors have the same shape and finite
/// entries; `wrong` contains the positions of the entries outside the tolerance, in increasing order.
std::string hint(const Tensor<double>& analytic, const Tensor<double>& numeric, const Report& report,
                 const std::vector<std::size_t>& wrong, const HintContext& context);

/// Returns the hint of the first known mistake whose result is `analytic`, or an empty string. The tensors may have any
/// shapes, and entries that are not finite. A mistake whose result is the right one says nothing and is passed over.
std::string mistake_hint(const Tensor<double>& analytic, const Tensor<double>& numeric, Tolerance tolerance,
                         const HintContext& context);

/// True if no two entries of a and b, which have the same shape, deviate by more than the allowed deviation.
bool is_equal(const Tensor<double>& a, const Tensor<double>& b, double allowed);

/// True if a and b are matrices and b is the transpose of a, up to the allowed deviation of an entry.
bool is_transposed(const Tensor<double>& a, const Tensor<double>& b, double allowed);

/// The largest deviation, relative to the largest entry, for which a pattern counts as exact.
double pattern_tolerance(Tolerance tolerance);

/// The index of a position along every axis.
std::vector<std::size_t> indices(const Shape& shape, std::size_t position);

} // namespace handgrad::check
