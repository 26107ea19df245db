#pragma once
// Exercise 09.4: average-pooling, backward.

#include <handgrad/tensor/tensor.hpp>

using handgrad::Tensor;
using handgrad::zeros;

// Every pixel is in one window, (h / 2, w / 2), and contributes a quarter of
// its value to the mean. There is no winner, so forward need not store one.
inline Tensor<double> avg_pool2d_backward(const Tensor<double>& dy) {
    Tensor<double> dx = zeros<double>(
        {dy.shape(0), dy.shape(1), 2 * dy.shape(2), 2 * dy.shape(3)});
    for (std::size_t n = 0; n < dx.shape(0); ++n) {
        for (std::size_t c = 0; c < dx.shape(1); ++c) {
            for (std::size_t h = 0; h < dx.shape(2); ++h) {
                for (std::size_t w = 0; w < dx.shape(3); ++w) {
                    dx(n, c, h, w) = dy(n, c, h / 2, w / 2) / 4;
                }
            }
        }
    }
    return dx;
}
