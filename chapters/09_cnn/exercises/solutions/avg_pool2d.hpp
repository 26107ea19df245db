#pragma once
// Exercise 09.4: average-pooling, backward.

#include <handgrad/tensor/tensor.hpp>

using handgrad::Tensor;
using handgrad::zeros;

// Every pixel is in one window, (i / 2, j / 2), and a quarter of its mean. There is no winner, so nothing had to be kept.
inline Tensor<double> avg_pool2d_backward(const Tensor<double>& dy) {
    Tensor<double> dx = zeros<double>({dy.shape(0), dy.shape(1), 2 * dy.shape(2), 2 * dy.shape(3)});
    for (std::size_t n = 0; n < dx.shape(0); ++n) {
        for (std::size_t c = 0; c < dx.shape(1); ++c) {
            for (std::size_t i = 0; i < dx.shape(2); ++i) {
                for (std::size_t j = 0; j < dx.shape(3); ++j) {
                    dx(n, c, i, j) = dy(n, c, i / 2, j / 2) / 4;
                }
            }
        }
    }
    return dx;
}
