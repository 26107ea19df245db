#pragma once
/// @file
/// avg_pool2d, in plain loops: image, channel, output row and column, row and column of the window.
/// Formulas, shapes and derivation: pool2d.hpp.

#include "handgrad/ops/pool2d/pool2d.hpp"

namespace handgrad::reference {

namespace detail {

/// Calls f(n, c, p, q) for every window.
template <class F> void for_each_window(const Shape& y, const F& f) {
    for (std::size_t n = 0; n < y[0]; ++n) {
        for (std::size_t c = 0; c < y[1]; ++c) {
            for (std::size_t p = 0; p < y[2]; ++p) {
                for (std::size_t q = 0; q < y[3]; ++q) { f(n, c, p, q); }
            }
        }
    }
}

/// Calls f(i, j) for every pixel of x in window (p, q), and returns how many numbers its average is over.
template <class F>
std::size_t for_each_pixel(const Shape& x, const AvgPool2dOptions& options, std::size_t p, std::size_t q, const F& f) {
    const Size2d padding = options.padding;
    std::size_t inside = 0, padded = 0;
    for (std::size_t r = 0; r < options.kernel_size.h; ++r) {
        for (std::size_t s = 0; s < options.kernel_size.w; ++s) {
            // Where the padded image begins is (0, 0).
            const std::size_t i = options.stride.h * p + r, j = options.stride.w * q + s;
            if (i >= x[2] + 2 * padding.h || j >= x[3] + 2 * padding.w) { continue; }
            ++padded;
            // A pixel above or left of x wraps around to a huge number, so >= catches both sides.
            if (i - padding.h >= x[2] || j - padding.w >= x[3]) { continue; }
            ++inside;
            f(i - padding.h, j - padding.w);
        }
    }
    return options.count_include_pad ? padded : inside;
}

} // namespace detail

/// y, the average of each window: x (N, C, H, W), y (N, C, P, Q). @throws ShapeError
template <class T> void avg_pool2d_forward(const Tensor<T>& x, const AvgPool2dOptions& options, Tensor<T>& y) {
    resize(y, check_avg_pool2d_forward(x, options, y));
    detail::for_each_window(y.shape(), [&](auto n, auto c, auto p, auto q) {
        T sum(0);
        const std::size_t area =
            detail::for_each_pixel(x.shape(), options, p, q, [&](auto i, auto j) { sum += x(n, c, i, j); });
        y(n, c, p, q) = sum / static_cast<T>(area);
    });
}

/// dx, given dy (N, C, P, Q) and x's shape: each dy is shared out among its window's pixels. dx (N, C, H, W),
/// overwritten. @throws ShapeError
template <class T>
void avg_pool2d_backward(const Tensor<T>& dy, const Shape& shape_of_x, const AvgPool2dOptions& options, Tensor<T>& dx) {
    resize(dx, check_avg_pool2d_backward(dy, shape_of_x, options, dx));
    dx.fill(T(0));
    detail::for_each_window(dy.shape(), [&](auto n, auto c, auto p, auto q) {
        const std::size_t area = detail::for_each_pixel(shape_of_x, options, p, q, [](auto, auto) {});
        const T share = dy(n, c, p, q) / static_cast<T>(area);
        detail::for_each_pixel(shape_of_x, options, p, q, [&](auto i, auto j) { dx(n, c, i, j) += share; });
    });
}

/// y, as a new tensor.
template <class T> Tensor<T> avg_pool2d_forward(const Tensor<T>& x, const AvgPool2dOptions& options) {
    Tensor<T> y;
    avg_pool2d_forward(x, options, y);
    return y;
}

/// dx, as a new tensor.
template <class T>
Tensor<T> avg_pool2d_backward(const Tensor<T>& dy, const Shape& shape_of_x, const AvgPool2dOptions& options) {
    Tensor<T> dx;
    avg_pool2d_backward(dy, shape_of_x, options, dx);
    return dx;
}

} // namespace handgrad::reference
