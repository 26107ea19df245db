#pragma once
/// @file
/// # Linear
///
/// Forward: \f$ y = x w + b \f$, with b added to every row:
/// \f$ y_{nk} = \sum_d x_{nd} w_{dk} + b_k \f$.
///
/// Backward: L depends on w only through y, so by the chain rule
/// \f[ \frac{\partial L}{\partial w_{dk}} = \sum_{n,j} \frac{\partial L}{\partial y_{nj}}
///     \frac{\partial y_{nj}}{\partial w_{dk}} = \sum_n x_{nd}\, dy_{nk}, \qquad dw = x^T dy, \f]
/// since \f$ \partial y_{nj} / \partial w_{dk} = x_{nd} \f$ for j = k and 0 otherwise. In the same way
/// \f$ db_k = \sum_n dy_{nk} \f$ and \f$ dx_{nd} = \sum_k dy_{nk} w_{dk} \f$, that is \f$ dx = dy\, w^T \f$.
///
/// | name  | shape         | meaning |
/// | ----- | ------------- | ------- |
/// | x, dx | (N, D_in)     | a batch of rows, and dL/dx |
/// | w, dw | (D_in, D_out) | the weight, and dL/dw; PyTorch stores its transpose |
/// | b, db | (D_out,)      | the bias, and dL/db |
/// | y, dy | (N, D_out)    | the result, and dL/dy |
///
/// Backward needs x and w; nothing else is kept. Throws ShapeError where the shapes do not fit, and AliasError where a
/// result (y, dx, dw, db) shares memory with an argument of the same call.
/// Source: Lecture 13, parts B and D; the derivation is the chain rule written out.

#include "handgrad/ops/aliasing.hpp"
#include "handgrad/tensor/tensor.hpp"

namespace handgrad {

/// The gradients of linear: shapes as x, w and b.
template <class T> struct LinearGradients {
    Tensor<T> dx; ///< dL/dx, (N, D_in)
    Tensor<T> dw; ///< dL/dw, (D_in, D_out)
    Tensor<T> db; ///< dL/db, (D_out,)
};

/// Checks linear_forward's arguments and returns y's shape, (N, D_out).
Shape check_linear_forward(const Shape& x, const Shape& w, const Shape& b);
/// Checks the arguments of linear_backward_input and returns dx's shape, (N, D_in).
Shape check_linear_backward_input(const Shape& dy, const Shape& w);
/// Checks the arguments of linear_backward_weight and returns dw's shape, (D_in, D_out).
Shape check_linear_backward_weight(const Shape& x, const Shape& dy);
/// Checks the argument of linear_backward_bias and returns db's shape, (D_out,).
Shape check_linear_backward_bias(const Shape& dy);

// The same for the tensors of any backend, the result's included, which must be apart from the others.

/// Checks linear_forward's tensors and returns y's shape. @throws ShapeError, AliasError
template <class X> Shape check_linear_forward(const X& x, const X& w, const X& b, const X& y) {
    require_apart("linear_forward", {"y", y}, {{"x", x}, {"w", w}, {"b", b}});
    return check_linear_forward(x.shape(), w.shape(), b.shape());
}
/// Checks linear_backward_input's tensors and returns dx's shape. @throws ShapeError, AliasError
template <class X> Shape check_linear_backward_input(const X& dy, const X& w, const X& dx) {
    require_apart("linear_backward_input", {"dx", dx}, {{"dy", dy}, {"w", w}});
    return check_linear_backward_input(dy.shape(), w.shape());
}
/// Checks linear_backward_weight's tensors and returns dw's shape. @throws ShapeError, AliasError
template <class X> Shape check_linear_backward_weight(const X& x, const X& dy, const X& dw) {
    require_apart("linear_backward_weight", {"dw", dw}, {{"x", x}, {"dy", dy}});
    return check_linear_backward_weight(x.shape(), dy.shape());
}
/// Checks linear_backward_bias's tensors and returns db's shape. @throws ShapeError, AliasError
template <class X> Shape check_linear_backward_bias(const X& dy, const X& db) {
    require_apart("linear_backward_bias", {"db", db}, {{"dy", dy}});
    return check_linear_backward_bias(dy.shape());
}

} // namespace handgrad
