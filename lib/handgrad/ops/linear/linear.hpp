#pragma once
/// @file
/// # Linear
///
/// **Formulas.** In the formulas n counts all rows: the leading axes are folded into one.
/// \f[ y_{nk} = \sum_i x_{ni}\, w_{ik} + b_k, \f]
/// \f[ dx_{ni} = \sum_k dy_{nk}\, w_{ik}, \qquad dw_{ik} = \sum_n x_{ni}\, dy_{nk}, \qquad
///     db_k = \sum_n dy_{nk}, \f]
/// as matrices \f$ y = x w + b \f$ with b added to every row, \f$ dx = dy\, w^\top \f$ and \f$ dw = x^\top dy \f$.
///
/// **Shapes.**
/// | name  | shape         | meaning |
/// | ----- | ------------- | ------- |
/// | x, dx | (..., D_in)   | rows of features: (N, D_in), (B, T, D_in), any rank; and dL/dx |
/// | w, dw | (D_in, D_out) | the weight, and dL/dw; PyTorch stores its transpose |
/// | b, db | (D_out,)      | the bias, and dL/db |
/// | y, dy | (..., D_out)  | the result, and dL/dy |
///
/// **Memory.** Backward needs x and w.
///
/// **Errors.** Throws ShapeError if the shapes do not fit, and AliasError if a result (y, dx, dw, db) shares memory
/// with an argument of the same call.
///
/// **Source.** Lecture 13, parts B and D; the gradients are the chain rule written out.
//
// The derivation, step by step: linear.md.

#include "handgrad/ops/contract.hpp"

namespace handgrad {

/// The kernels of linear, on views whose shapes fit. Each backend defines them in a file of its own.
template <class Place> struct LinearKernels {
    /// y = x w + b, b added to every row.
    template <class T>
    static void forward(MatrixView<const T> x, MatrixView<const T> w, VectorView<const T> b, MatrixView<T> y);
    /// dx = dy w^T.
    template <class T> static void backward_input(MatrixView<const T> dy, MatrixView<const T> w, MatrixView<T> dx);
    /// dw = x^T dy, overwritten or added to.
    template <class T>
    static void backward_weight(MatrixView<const T> x, MatrixView<const T> dy, MatrixView<T> dw, Accumulate mode);
    /// db = the sum of the rows of dy, overwritten or added to.
    template <class T> static void backward_bias(MatrixView<const T> dy, VectorView<T> db, Accumulate mode);
};

/// Checks x against w on behalf of `where`, and returns y's shape, (..., D_out). @throws ShapeError
inline Shape linear_shape(std::string_view where, const Shape& x, const Shape& w) {
    require_rows(where, "x", x, "D_in");
    require_rank(where, "w", w, {"D_in", "D_out"});
    require_shape(where, "w", w, {x.back(), w[1]});
    return with_last(x, w[1]);
}

/// The gradients of linear: shapes as x, w and b.
template <class Tensor> struct LinearGradients {
    Tensor dx; ///< dL/dx, (..., D_in)
    Tensor dw; ///< dL/dw, (D_in, D_out)
    Tensor db; ///< dL/db, (D_out,)
};

/// linear, for all backends.
template <class Place, class T> struct LinearOperations {
    using Tensor = TensorOf<Place, T>; ///< type of an array

    using LinearGradients = handgrad::LinearGradients<Tensor>; ///< type of all gradients together

    /// y = x w + b: x (..., D_in), w (D_in, D_out), b (D_out,), y (..., D_out). @throws ShapeError, AliasError
    static void linear_forward(const Tensor& x, const Tensor& w, const Tensor& b, Tensor& y) {
        require_apart("linear_forward", {"y", y}, {{"x", x}, {"w", w}, {"b", b}});
        const Shape shape = linear_shape("linear_forward", x.shape(), w.shape());
        require_shape("linear_forward", "b", b.shape(), {shape.back()});
        resize(y, shape);
        on_fast_kernels<Place>(
            [&](auto place) { LinearKernels<decltype(place)>::forward(rows(x), rows(w), entries(b), rows(y)); });
    }
    /// The same, as a new tensor.
    static Tensor linear_forward(const Tensor& x, const Tensor& w, const Tensor& b) {
        Tensor y;
        linear_forward(x, w, b, y);
        return y;
    }

    /// dx = dy w^T: dy (..., D_out), w (D_in, D_out), dx (..., D_in), overwritten. @throws ShapeError, AliasError
    static void linear_backward_input(const Tensor& dy, const Tensor& w, Tensor& dx) {
        const auto where = "linear_backward_input";
        require_apart(where, {"dx", dx}, {{"dy", dy}, {"w", w}});
        require_rows(where, "dy", dy.shape(), "D_out");
        require_rank(where, "w", w.shape(), {"D_in", "D_out"});
        require_shape(where, "w", w.shape(), {w.shape()[0], dy.shape().back()});
        resize(dx, with_last(dy.shape(), w.shape()[0]));
        on_fast_kernels<Place>(
            [&](auto place) { LinearKernels<decltype(place)>::backward_input(rows(dy), rows(w), rows(dx)); });
    }

    /// dw = x^T dy: x (..., D_in), dy (..., D_out), dw (D_in, D_out), overwritten or added to.
    /// @throws ShapeError, AliasError
    static void linear_backward_weight(const Tensor& x, const Tensor& dy, Tensor& dw,
                                       Accumulate mode = Accumulate::no) {
        const auto where = "linear_backward_weight";
        require_apart(where, {"dw", dw}, {{"x", x}, {"dy", dy}});
        require_rows(where, "x", x.shape(), "D_in");
        require_rows(where, "dy", dy.shape(), "D_out");
        require_shape(where, "dy", dy.shape(), with_last(x.shape(), dy.shape().back()));
        prepare_gradient(where, "dw", dw, {x.shape().back(), dy.shape().back()}, mode);
        on_fast_kernels<Place>(
            [&](auto place) { LinearKernels<decltype(place)>::backward_weight(rows(x), rows(dy), rows(dw), mode); });
    }

    /// db_k = sum over all rows n of dy_nk: dy (..., D_out), db (D_out,), overwritten or added to.
    /// @throws ShapeError, AliasError
    static void linear_backward_bias(const Tensor& dy, Tensor& db, Accumulate mode = Accumulate::no) {
        const auto where = "linear_backward_bias";
        require_apart(where, {"db", db}, {{"dy", dy}});
        require_rows(where, "dy", dy.shape(), "D_out");
        prepare_gradient(where, "db", db, {dy.shape().back()}, mode);
        LinearKernels<Place>::backward_bias(rows(dy), entries(db), mode);
    }

    /// All three gradients of y = x w + b at once. They do not depend on the bias itself.
    static LinearGradients linear_backward(const Tensor& x, const Tensor& w, const Tensor& dy) {
        LinearGradients g;
        linear_backward_input(dy, w, g.dx);
        linear_backward_weight(x, dy, g.dw);
        linear_backward_bias(dy, g.db);
        return g;
    }
};

HANDGRAD_CALL_AS(LinearOperations, linear_forward)
HANDGRAD_CALL_AS(LinearOperations, linear_backward_input)
HANDGRAD_CALL_AS(LinearOperations, linear_backward_weight)
HANDGRAD_CALL_AS(LinearOperations, linear_backward_bias)
HANDGRAD_CALL_AS(LinearOperations, linear_backward)

} // namespace handgrad

#include "handgrad/ops/linear/reference.hpp" // the kernels of the reference are templates
