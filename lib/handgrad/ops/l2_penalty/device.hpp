#pragma once
/// @file
/// The L2 penalty by Thrust, for float and double. Formulas, shapes and derivation: contract/l2_penalty.hpp.

#include "handgrad/device/tensor.hpp"
#include "handgrad/ops/accumulate.hpp"
#include "handgrad/ops/l2_penalty/l2_penalty.hpp"

namespace handgrad::device {

/// Returns lambda / 2 times the sum of w_i^2; w of any shape.
template <class T> T l2_penalty_forward(const Tensor<T>& w, double lambda);

/// dw_i = lambda w_i, overwritten or added to; dw has the shape of w. @throws ShapeError
template <class T>
void l2_penalty_backward(const Tensor<T>& w, double lambda, Tensor<T>& dw, Accumulate mode = Accumulate::no);

/// The gradient, as a new tensor.
template <class T> Tensor<T> l2_penalty_backward(const Tensor<T>& w, double lambda);

} // namespace handgrad::device
