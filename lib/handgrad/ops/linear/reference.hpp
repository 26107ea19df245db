#pragma once
/// @file
/// linear, in plain loops. Formulas, shapes and derivation: contract/linear.hpp.

#include "handgrad/ops/accumulate.hpp"
#include "handgrad/ops/linear/linear.hpp"

namespace handgrad::reference {

/// y = x w + b: x (N, D_in), w (D_in, D_out), b (D_out,), y (N, D_out). @throws ShapeError
template <class T> void linear_forward(const Tensor<T>& x, const Tensor<T>& w, const Tensor<T>& b, Tensor<T>& y) {
    resize(y, check_linear_forward(x, w, b, y));
    for (std::size_t n = 0; n < y.shape(0); ++n) {
        for (std::size_t k = 0; k < y.shape(1); ++k) {
            T sum = b(k);
            for (std::size_t d = 0; d < x.shape(1); ++d) { sum += x(n, d) * w(d, k); }
            y(n, k) = sum;
        }
    }
}

/// dx = dy w^T: dy (N, D_out), w (D_in, D_out), dx (N, D_in), overwritten. @throws ShapeError
template <class T> void linear_backward_input(const Tensor<T>& dy, const Tensor<T>& w, Tensor<T>& dx) {
    resize(dx, check_linear_backward_input(dy, w, dx));
    for (std::size_t n = 0; n < dx.shape(0); ++n) {
        for (std::size_t d = 0; d < dx.shape(1); ++d) {
            T sum(0);
            for (std::size_t k = 0; k < dy.shape(1); ++k) { sum += dy(n, k) * w(d, k); }
            dx(n, d) = sum;
        }
    }
}

/// dw = x^T dy: x (N, D_in), dy (N, D_out), dw (D_in, D_out), overwritten or added to. @throws ShapeError
template <class T>
void linear_backward_weight(const Tensor<T>& x, const Tensor<T>& dy, Tensor<T>& dw, Accumulate mode = Accumulate::no) {
    prepare_gradient("linear_backward_weight", "dw", dw, check_linear_backward_weight(x, dy, dw), mode);
    for (std::size_t d = 0; d < dw.shape(0); ++d) {
        for (std::size_t k = 0; k < dw.shape(1); ++k) {
            T sum(0);
            for (std::size_t n = 0; n < x.shape(0); ++n) { sum += x(n, d) * dy(n, k); }
            dw(d, k) = mode == Accumulate::yes ? dw(d, k) + sum : sum;
        }
    }
}

/// db_k = sum over n of dy_nk: dy (N, D_out), db (D_out,), overwritten or added to. @throws ShapeError
template <class T> void linear_backward_bias(const Tensor<T>& dy, Tensor<T>& db, Accumulate mode = Accumulate::no) {
    prepare_gradient("linear_backward_bias", "db", db, check_linear_backward_bias(dy, db), mode);
    for (std::size_t k = 0; k < db.shape(0); ++k) {
        T sum(0);
        for (std::size_t n = 0; n < dy.shape(0); ++n) { sum += dy(n, k); }
        db(k) = mode == Accumulate::yes ? db(k) + sum : sum;
    }
}

/// y = x w + b, as a new tensor.
template <class T> Tensor<T> linear_forward(const Tensor<T>& x, const Tensor<T>& w, const Tensor<T>& b) {
    Tensor<T> y;
    linear_forward(x, w, b, y);
    return y;
}

/// All three gradients of y = x w + b at once. The bias itself does not matter for them.
template <class T> LinearGradients<T> linear_backward(const Tensor<T>& x, const Tensor<T>& w, const Tensor<T>& dy) {
    LinearGradients<T> g;
    linear_backward_input(dy, w, g.dx);
    linear_backward_weight(x, dy, g.dw);
    linear_backward_bias(dy, g.db);
    return g;
}

} // namespace handgrad::reference
