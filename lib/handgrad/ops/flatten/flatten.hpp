#pragma once
/// @file
/// # Flatten
///
/// Forward: a batch of images becomes a batch of rows, (N, C, H, W) to (N, C H W), the numbers in the same order:
/// \f$ y_{n,\,(cH + h)W + v} = x_{nchv} \f$. Backward puts them back: dx = dy in the shape of x.
///
/// | name  | shape                     | meaning |
/// | ----- | ------------------------- | ------- |
/// | x, dx | (N, ...), 1 dimension or more | the batch, and dL/dx |
/// | y, dy | (N, D), D the product of the other extents | one row a sample, and dL/dy |
///
/// Backward needs the shape of x. Throws ShapeError, and AliasError where the result is the argument: no copy is needed
/// there, only another shape.

#include "handgrad/ops/aliasing.hpp"
#include "handgrad/tensor/tensor.hpp"

namespace handgrad {

/// Checks x's shape and returns y's, (N, D).
Shape check_flatten_forward(const Shape& x);
/// Checks that dy is (N, D) for this shape of x.
void check_flatten_backward(const Shape& dy, const Shape& x);

/// Checks flatten_forward's tensors, which must be apart, and returns y's shape. @throws ShapeError, AliasError
template <class X> Shape check_flatten_forward(const X& x, const X& y) {
    require_apart("flatten_forward", {"y", y}, {{"x", x}});
    return check_flatten_forward(x.shape());
}
/// Checks flatten_backward's tensors, which must be apart. @throws ShapeError, AliasError
template <class X> void check_flatten_backward(const X& dy, const Shape& shape_of_x, const X& dx) {
    require_apart("flatten_backward", {"dx", dx}, {{"dy", dy}});
    check_flatten_backward(dy.shape(), shape_of_x);
}

} // namespace handgrad
