#pragma once
/// @file
/// flatten, for float and double. Shapes: contract/flatten.hpp.

#include "handgrad/ops/flatten/flatten.hpp"

namespace handgrad::cpu {

/// y = x as rows: x (N, ...), y (N, D). @throws ShapeError
template <class T> void flatten_forward(const Tensor<T>& x, Tensor<T>& y);

/// dx = dy in the shape of x: dy (N, D), dx overwritten. @throws ShapeError
template <class T> void flatten_backward(const Tensor<T>& dy, const Shape& shape_of_x, Tensor<T>& dx);

} // namespace handgrad::cpu
