#pragma once
/// @file
/// conv2d_relu_max_pool2d, as its three operations one after another. Here winners is (N, K, P/2, Q/2).
/// Formulas, shapes and derivation: conv2d_relu_max_pool2d.hpp.

#include "handgrad/ops/activation/reference.hpp"
#include "handgrad/ops/conv2d/reference.hpp"
#include "handgrad/ops/conv2d_relu_max_pool2d/conv2d_relu_max_pool2d.hpp"
#include "handgrad/ops/pool2d/reference.hpp"

namespace handgrad::reference {

/// y = max-pooling of max(w * x + b, 0), and who won. @throws ShapeError
template <class T> void conv2d_relu_max_pool2d_forward(const Tensor<T>& x, const Tensor<T>& w, const Tensor<T>& b,
                                                       const Conv2dOptions& options, Tensor<T>& y, Tensor<T>& winners) {
    const auto shapes = check_conv2d_relu_max_pool2d_forward(x, w, b, options, y, winners);
    Tensor<T> z, h;
    Indices indices;
    conv2d_forward(x, w, b, options, z);
    relu_forward(z, h);
    max_pool2d_forward(h, MaxPool2dOptions(2), y, indices);
    resize(winners, shapes.y);
    for (std::size_t i = 0; i < y.size(); ++i) {
        const std::size_t row = static_cast<std::size_t>(indices.data()[i]) / z.shape(3) % 2;
        const std::size_t column = static_cast<std::size_t>(indices.data()[i]) % z.shape(3) % 2;
        winners.data()[i] = is_positive(y.data()[i]) ? T(static_cast<float>(2 * row + column)) : T(4);
    }
}

namespace detail {

/// dz, (N, K, P, Q): every dy at its winner.
template <class T> Tensor<T> spread(const Tensor<T>& dy, const Tensor<T>& winners, const Shape& shape_of_z) {
    require_shape("conv2d_relu_max_pool2d_backward", "winners", winners.shape(), dy.shape());
    auto dz = zeros<T>(shape_of_z);
    for (std::size_t n = 0; n < dy.shape(0); ++n) {
        for (std::size_t k = 0; k < dy.shape(1); ++k) {
            for (std::size_t p = 0; p < dy.shape(2); ++p) {
                for (std::size_t q = 0; q < dy.shape(3); ++q) {
                    const auto place = static_cast<std::size_t>(value_of(winners(n, k, p, q)));
                    if (place < 4) { dz(n, k, 2 * p + place / 2, 2 * q + place % 2) = dy(n, k, p, q); }
                }
            }
        }
    }
    return dz;
}

} // namespace detail

/// dx, given dy (N, K, P/2, Q/2), winners, w and x's shape; dx (N, C, H, W), overwritten. @throws ShapeError
template <class T> void conv2d_relu_max_pool2d_backward_input(const Tensor<T>& dy, const Tensor<T>& winners,
                                                              const Tensor<T>& w, const Shape& shape_of_x,
                                                              const Conv2dOptions& options, Tensor<T>& dx) {
    const auto shapes = check_conv2d_relu_max_pool2d_backward_input("conv2d_relu_max_pool2d_backward_input", dy,
                                                                    winners, w, shape_of_x, options, dx);
    conv2d_backward_input(detail::spread(dy, winners, shapes.z), w, shape_of_x, options, dx);
}

/// dw and db, given x, dy, winners and w's shape; dw (K, C/G, R, S) and db (K,), overwritten or added to.
/// @throws ShapeError
template <class T> void conv2d_relu_max_pool2d_backward_parameters(const Tensor<T>& x, const Tensor<T>& dy,
                                                                   const Tensor<T>& winners, const Shape& shape_of_w,
                                                                   const Conv2dOptions& options, Tensor<T>& dw,
                                                                   Tensor<T>& db, Accumulate mode = Accumulate::no) {
    const auto shapes = check_conv2d_relu_max_pool2d_backward_parameters("conv2d_relu_max_pool2d_backward_parameters",
                                                                         x, dy, winners, shape_of_w, options, dw, db);
    const Tensor<T> dz = detail::spread(dy, winners, shapes.z);
    conv2d_backward_weight(x, dz, shape_of_w, options, dw, mode);
    conv2d_backward_bias(dz, db, mode);
}

} // namespace handgrad::reference
