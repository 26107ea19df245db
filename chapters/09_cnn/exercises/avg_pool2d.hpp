#pragma once
// Exercise 09.4: average-pooling, backward.
// Background: the book's page "Pooling" (lib/handgrad/ops/pool2d/pool2d.md).

#include <handgrad/tensor/tensor.hpp>

using handgrad::Tensor;
using handgrad::zeros;

// Forward was the mean of each window of 2 x 2, without overlap: for x
// (N, C, H, W) with H = 2 P and W = 2 Q, and y (N, C, P, Q),
//
//     y_ncpq = 1/4 sum over r, s in {0, 1} of x_nc,2p+r,2q+s
//
// dy has the shape of y; the result dx has that of x. Entries are
// dy(n, c, p, q) and dx(n, c, h, w).
inline Tensor<double> avg_pool2d_backward(const Tensor<double>& dy) {
    Tensor<double> dx = zeros<double>(
        {dy.shape(0), dy.shape(1), 2 * dy.shape(2), 2 * dy.shape(3)});
    // Your code goes here.
    return dx;
}
