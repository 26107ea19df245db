#pragma once
/// @file
/// conv2d, in seven plain loops: image, output channel, output row and column, input channel, kernel row and column.
/// Formulas, shapes and derivation: conv2d.hpp.

#include "handgrad/ops/accumulate.hpp"
#include "handgrad/ops/conv2d/conv2d.hpp"

namespace handgrad::reference {

namespace detail {

/// Calls f(n, k, p, q, c, r, s, ci, i, j) for every product of the convolution's sum: y at (n, k, p, q), w at
/// (k, c, r, s), x at (n, ci, i, j), where ci is c's number among all channels. Pixels outside x are left out.
template <class F>
void for_each_product(const Shape& x, const Shape& w, const Shape& y, const Conv2dOptions& options, const F& f) {
    const std::size_t kernels_per_group = w[0] / options.groups;
    for (std::size_t n = 0; n < y[0]; ++n) {
        for (std::size_t k = 0; k < y[1]; ++k) {
            const std::size_t first = k / kernels_per_group * w[1]; // of the group's input channels
            for (std::size_t p = 0; p < y[2]; ++p) {
                for (std::size_t q = 0; q < y[3]; ++q) {
                    for (std::size_t c = 0; c < w[1]; ++c) {
                        for (std::size_t r = 0; r < w[2]; ++r) {
                            for (std::size_t s = 0; s < w[3]; ++s) {
                                // A pixel above or left of x wraps around to a huge number, so >= catches both sides.
                                const std::size_t i = options.stride.h * p + options.dilation.h * r - options.padding.h;
                                const std::size_t j = options.stride.w * q + options.dilation.w * s - options.padding.w;
                                if (i >= x[2] || j >= x[3]) { continue; }
                                f(n, k, p, q, c, r, s, first + c, i, j);
                            }
                        }
                    }
                }
            }
        }
    }
}

} // namespace detail

/// y = w * x + b: x (N, C, H, W), w (K, C/G, R, S), b (K,) or (0,), y (N, K, P, Q). @throws ShapeError
template <class T> void conv2d_forward(const Tensor<T>& x, const Tensor<T>& w, const Tensor<T>& b,
                                       const Conv2dOptions& options, Tensor<T>& y) {
    resize(y, check_conv2d_forward(x, w, b, options, y));
    const std::size_t plane = y.shape(2) * y.shape(3);
    for (std::size_t i = 0; i < y.size(); ++i) { y.data()[i] = b.size() == 0 ? T(0) : b(i / plane % y.shape(1)); }
    detail::for_each_product(x.shape(), w.shape(), y.shape(), options,
                             [&](auto n, auto k, auto p, auto q, auto c, auto r, auto s, auto ci, auto i, auto j) {
                                 y(n, k, p, q) += w(k, c, r, s) * x(n, ci, i, j);
                             });
}

/// dx, given dy (N, K, P, Q), w (K, C/G, R, S) and x's shape; dx (N, C, H, W), overwritten. @throws ShapeError
template <class T> void conv2d_backward_input(const Tensor<T>& dy, const Tensor<T>& w, const Shape& shape_of_x,
                                              const Conv2dOptions& options, Tensor<T>& dx) {
    resize(dx, check_conv2d_backward_input(dy, w, shape_of_x, options, dx));
    dx.fill(T(0));
    detail::for_each_product(shape_of_x, w.shape(), dy.shape(), options,
                             [&](auto n, auto k, auto p, auto q, auto c, auto r, auto s, auto ci, auto i, auto j) {
                                 dx(n, ci, i, j) += dy(n, k, p, q) * w(k, c, r, s);
                             });
}

/// dw, given x (N, C, H, W), dy (N, K, P, Q) and w's shape; dw (K, C/G, R, S), overwritten or added to.
/// @throws ShapeError
template <class T> void conv2d_backward_weight(const Tensor<T>& x, const Tensor<T>& dy, const Shape& shape_of_w,
                                               const Conv2dOptions& options, Tensor<T>& dw,
                                               Accumulate mode = Accumulate::no) {
    prepare_gradient("conv2d_backward_weight", "dw", dw, check_conv2d_backward_weight(x, dy, shape_of_w, options, dw),
                     mode);
    auto sum = zeros<T>(shape_of_w);
    detail::for_each_product(x.shape(), shape_of_w, dy.shape(), options,
                             [&](auto n, auto k, auto p, auto q, auto c, auto r, auto s, auto ci, auto i, auto j) {
                                 sum(k, c, r, s) += dy(n, k, p, q) * x(n, ci, i, j);
                             });
    for (std::size_t i = 0; i < dw.size(); ++i) {
        dw.data()[i] = mode == Accumulate::yes ? dw.data()[i] + sum.data()[i] : sum.data()[i];
    }
}

/// db_k = sum over n, p, q of dy_nkpq: dy (N, K, P, Q), db (K,), overwritten or added to. @throws ShapeError
template <class T> void conv2d_backward_bias(const Tensor<T>& dy, Tensor<T>& db, Accumulate mode = Accumulate::no) {
    prepare_gradient("conv2d_backward_bias", "db", db, check_conv2d_backward_bias(dy, db), mode);
    for (std::size_t k = 0; k < dy.shape(1); ++k) {
        T sum(0);
        for (std::size_t n = 0; n < dy.shape(0); ++n) {
            for (std::size_t p = 0; p < dy.shape(2); ++p) {
                for (std::size_t q = 0; q < dy.shape(3); ++q) { sum += dy(n, k, p, q); }
            }
        }
        db(k) = mode == Accumulate::yes ? db(k) + sum : sum;
    }
}

/// y = w * x + b, as a new tensor.
template <class T> Tensor<T> conv2d_forward(const Tensor<T>& x, const Tensor<T>& w, const Tensor<T>& b,
                                            const Conv2dOptions& options = {}) {
    Tensor<T> y;
    conv2d_forward(x, w, b, options, y);
    return y;
}

/// All three gradients at once. The bias itself does not matter for them.
template <class T> Conv2dGradients<T> conv2d_backward(const Tensor<T>& x, const Tensor<T>& w, const Tensor<T>& dy,
                                                      const Conv2dOptions& options = {}) {
    Conv2dGradients<T> g;
    conv2d_backward_input(dy, w, x.shape(), options, g.dx);
    conv2d_backward_weight(x, dy, w.shape(), options, g.dw);
    conv2d_backward_bias(dy, g.db);
    return g;
}

} // namespace handgrad::reference
