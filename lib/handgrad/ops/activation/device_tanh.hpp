#pragma once
/// @file
/// tanh by Thrust, for float and double. Formulas, shapes and derivation: contract/activation.hpp.

#include "handgrad/device/tensor.hpp"
#include "handgrad/ops/activation/activation.hpp"

namespace handgrad::device {

/// y = tanh(x), entry by entry; any shape, y the same.
template <class T> void tanh_forward(const Tensor<T>& x, Tensor<T>& y);

/// dx = dy (1 - y^2); y and dy of one shape, dx overwritten. @throws ShapeError
template <class T> void tanh_backward(const Tensor<T>& y, const Tensor<T>& dy, Tensor<T>& dx);

/// y = tanh(x), as a new tensor.
template <class T> Tensor<T> tanh_forward(const Tensor<T>& x);

/// dx = dy (1 - y^2), as a new tensor.
template <class T> Tensor<T> tanh_backward(const Tensor<T>& y, const Tensor<T>& dy);

} // namespace handgrad::device
