#pragma once
/// @file
/// avg_pool2d by Thrust, for float and double. Formulas, shapes and derivation: pool2d.hpp.

#include "handgrad/device/tensor.hpp"
#include "handgrad/ops/pool2d/pool2d.hpp"

namespace handgrad::device {

/// y, the average of each window: x (N, C, H, W), y (N, C, P, Q). @throws ShapeError
template <class T> void avg_pool2d_forward(const Tensor<T>& x, const AvgPool2dOptions& options, Tensor<T>& y);

/// dx, given dy (N, C, P, Q) and x's shape: each dy is shared out among its window's pixels. dx (N, C, H, W),
/// overwritten. @throws ShapeError
template <class T>
void avg_pool2d_backward(const Tensor<T>& dy, const Shape& shape_of_x, const AvgPool2dOptions& options, Tensor<T>& dx);

/// y, as a new tensor.
template <class T> Tensor<T> avg_pool2d_forward(const Tensor<T>& x, const AvgPool2dOptions& options);

/// dx, as a new tensor.
template <class T>
Tensor<T> avg_pool2d_backward(const Tensor<T>& dy, const Shape& shape_of_x, const AvgPool2dOptions& options);

} // namespace handgrad::device
