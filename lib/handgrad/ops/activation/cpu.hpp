#pragma once
/// @file
/// relu, for float and double, in SIMD registers. Formulas, shapes and derivation: contract/activation.hpp.

#include "handgrad/ops/activation/activation.hpp"

namespace handgrad::cpu {

/// y = max(x, 0), entry by entry; any shape, y the same.
template <class T> void relu_forward(const Tensor<T>& x, Tensor<T>& y);

/// dx = dy where x > 0, else 0; x and dy of one shape, dx overwritten. @throws ShapeError
template <class T> void relu_backward(const Tensor<T>& x, const Tensor<T>& dy, Tensor<T>& dx);

/// y = max(x, 0), as a new tensor.
template <class T> Tensor<T> relu_forward(const Tensor<T>& x);

/// dx = dy where x > 0, else 0, as a new tensor.
template <class T> Tensor<T> relu_backward(const Tensor<T>& x, const Tensor<T>& dy);

} // namespace handgrad::cpu
