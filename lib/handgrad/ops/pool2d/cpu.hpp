#pragma once
/// @file
/// max_pool2d, for float and double. Formulas, shapes and derivation: pool2d.hpp.

#include "handgrad/ops/pool2d/pool2d.hpp"

namespace handgrad::cpu {

/// y, the largest pixel of each window, and indices, its place: x (N, C, H, W), y and indices (N, C, P, Q).
/// @throws ShapeError
template <class T>
void max_pool2d_forward(const Tensor<T>& x, const MaxPool2dOptions& options, Tensor<T>& y, Indices& indices);

/// dx, given dy and indices (N, C, P, Q) and x's shape: each dy goes to its winner. dx (N, C, H, W), overwritten.
/// @throws ShapeError
template <class T>
void max_pool2d_backward(const Tensor<T>& dy, const Indices& indices, const Shape& shape_of_x, Tensor<T>& dx);

/// y and indices, as new tensors.
template <class T> MaxPool2dResult<T> max_pool2d_forward(const Tensor<T>& x, const MaxPool2dOptions& options);

/// dx, as a new tensor.
template <class T> Tensor<T> max_pool2d_backward(const Tensor<T>& dy, const Indices& indices, const Shape& shape_of_x);

} // namespace handgrad::cpu
