#pragma once
/// @file
/// sigmoid by Thrust, for float and double. Formulas, shapes and derivation: contract/activation.hpp.

#include "handgrad/device/tensor.hpp"
#include "handgrad/ops/activation/activation.hpp"

namespace handgrad::device {

/// y = 1 / (1 + exp(-x)), entry by entry; any shape, y the same.
template <class T> void sigmoid_forward(const Tensor<T>& x, Tensor<T>& y);

/// dx = dy y (1 - y); y and dy of one shape, dx overwritten. @throws ShapeError
template <class T> void sigmoid_backward(const Tensor<T>& y, const Tensor<T>& dy, Tensor<T>& dx);

/// y = 1 / (1 + exp(-x)), as a new tensor.
template <class T> Tensor<T> sigmoid_forward(const Tensor<T>& x);

/// dx = dy y (1 - y), as a new tensor.
template <class T> Tensor<T> sigmoid_backward(const Tensor<T>& y, const Tensor<T>& dy);

} // namespace handgrad::device
