#pragma once
/// @file
/// max_pool2d, in six plain loops: image, channel, output row and column, row and column of the window.
/// Formulas, shapes and derivation: pool2d.hpp.

#include "handgrad/ops/pool2d/pool2d.hpp"
#include "handgrad/tensor/scalar.hpp"

namespace handgrad::reference {

/// y, the largest pixel of each window, and indices, its place: x (N, C, H, W), y and indices (N, C, P, Q).
/// @throws ShapeError
template <class T>
void max_pool2d_forward(const Tensor<T>& x, const MaxPool2dOptions& options, Tensor<T>& y, Indices& indices) {
    const Shape shape = check_max_pool2d_forward(x, options, y);
    resize(y, shape);
    resize(indices, shape);
    for (std::size_t n = 0; n < shape[0]; ++n) {
        for (std::size_t c = 0; c < shape[1]; ++c) {
            for (std::size_t p = 0; p < shape[2]; ++p) {
                for (std::size_t q = 0; q < shape[3]; ++q) {
                    T best{};
                    std::int32_t winner = -1; // none yet
                    for (std::size_t r = 0; r < options.kernel_size.h; ++r) {
                        for (std::size_t s = 0; s < options.kernel_size.w; ++s) {
                            // A pixel above or left of x wraps around to a huge number, so >= catches both sides.
                            const std::size_t i = options.stride.h * p + options.dilation.h * r - options.padding.h;
                            const std::size_t j = options.stride.w * q + options.dilation.w * s - options.padding.w;
                            if (i >= x.shape(2) || j >= x.shape(3)) { continue; }
                            const T v = x(n, c, i, j);
                            const bool is_nan = value_of(v) != value_of(v);
                            if (winner < 0 || is_greater(v, best) || is_nan) {
                                best = v;
                                winner = static_cast<std::int32_t>(i * x.shape(3) + j);
                            }
                        }
                    }
                    y(n, c, p, q) = best;
                    indices(n, c, p, q) = winner;
                }
            }
        }
    }
}

/// dx, given dy and indices (N, C, P, Q) and x's shape: each dy goes to its winner. dx (N, C, H, W), overwritten.
/// @throws ShapeError
template <class T>
void max_pool2d_backward(const Tensor<T>& dy, const Indices& indices, const Shape& shape_of_x, Tensor<T>& dx) {
    resize(dx, check_max_pool2d_backward(dy, indices, shape_of_x, dx));
    dx.fill(T(0));
    for (std::size_t n = 0; n < dy.shape(0); ++n) {
        for (std::size_t c = 0; c < dy.shape(1); ++c) {
            for (std::size_t p = 0; p < dy.shape(2); ++p) {
                for (std::size_t q = 0; q < dy.shape(3); ++q) {
                    const auto m = static_cast<std::size_t>(indices(n, c, p, q));
                    dx(n, c, m / shape_of_x[3], m % shape_of_x[3]) += dy(n, c, p, q);
                }
            }
        }
    }
}

/// y and indices, as new tensors.
template <class T> MaxPool2dResult<T> max_pool2d_forward(const Tensor<T>& x, const MaxPool2dOptions& options) {
    MaxPool2dResult<T> result;
    max_pool2d_forward(x, options, result.y, result.indices);
    return result;
}

/// dx, as a new tensor.
template <class T> Tensor<T> max_pool2d_backward(const Tensor<T>& dy, const Indices& indices, const Shape& shape_of_x) {
    Tensor<T> dx;
    max_pool2d_backward(dy, indices, shape_of_x, dx);
    return dx;
}

} // namespace handgrad::reference
