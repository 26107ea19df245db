#pragma once
/// @file
/// flatten, a plain copy. Shapes: contract/flatten.hpp.

#include <algorithm>

#include "handgrad/ops/flatten/flatten.hpp"

namespace handgrad::reference {

/// y = x as rows: x (N, ...), y (N, D). @throws ShapeError
template <class T> void flatten_forward(const Tensor<T>& x, Tensor<T>& y) {
    resize(y, check_flatten_forward(x, y));
    std::copy_n(x.data(), x.size(), y.data());
}

/// dx = dy in the shape of x: dy (N, D), dx overwritten. @throws ShapeError
template <class T> void flatten_backward(const Tensor<T>& dy, const Shape& shape_of_x, Tensor<T>& dx) {
    check_flatten_backward(dy, shape_of_x, dx);
    resize(dx, shape_of_x);
    std::copy_n(dy.data(), dy.size(), dx.data());
}

} // namespace handgrad::reference
