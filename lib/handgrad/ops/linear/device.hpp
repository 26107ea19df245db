#pragma once
/// @file
/// linear by Thrust, for float and double. Formulas, shapes and derivation: contract/linear.hpp.

#include "handgrad/device/tensor.hpp"
#include "handgrad/ops/accumulate.hpp"
#include "handgrad/ops/linear/linear.hpp"

namespace handgrad::device {

/// The gradients of linear: shapes as x, w and b.
template <class T> struct LinearGradients {
    Tensor<T> dx; ///< dL/dx, (N, D_in)
    Tensor<T> dw; ///< dL/dw, (D_in, D_out)
    Tensor<T> db; ///< dL/db, (D_out,)
};

/// y = x w + b: x (N, D_in), w (D_in, D_out), b (D_out,), y (N, D_out). @throws ShapeError
template <class T> void linear_forward(const Tensor<T>& x, const Tensor<T>& w, const Tensor<T>& b, Tensor<T>& y);

/// dx = dy w^T: dy (N, D_out), w (D_in, D_out), dx (N, D_in), overwritten. @throws ShapeError
template <class T> void linear_backward_input(const Tensor<T>& dy, const Tensor<T>& w, Tensor<T>& dx);

/// dw = x^T dy: x (N, D_in), dy (N, D_out), dw (D_in, D_out), overwritten or added to. @throws ShapeError
template <class T>
void linear_backward_weight(const Tensor<T>& x, const Tensor<T>& dy, Tensor<T>& dw, Accumulate mode = Accumulate::no);

/// db_k = sum over n of dy_nk: dy (N, D_out), db (D_out,), overwritten or added to. @throws ShapeError
template <class T> void linear_backward_bias(const Tensor<T>& dy, Tensor<T>& db, Accumulate mode = Accumulate::no);

/// y = x w + b, as a new tensor.
template <class T> Tensor<T> linear_forward(const Tensor<T>& x, const Tensor<T>& w, const Tensor<T>& b);

/// All three gradients of y = x w + b at once. The bias itself does not matter for them.
template <class T> LinearGradients<T> linear_backward(const Tensor<T>& x, const Tensor<T>& w, const Tensor<T>& dy);

} // namespace handgrad::device
