#pragma once
// Exercise 05.4: leaky ReLU, backward.

#include <handgrad/tensor/tensor.hpp>

using handgrad::Tensor;
using handgrad::zeros;

// Forward, entry by entry:
//
//     y = x            where x > 0
//     y = slope * x    elsewhere
//
// x and dy have one shape (any), and so has the result: dx, the gradient of the loss with respect to x, given dy.
inline Tensor<double> leaky_relu_backward(const Tensor<double>& x, const Tensor<double>& dy,
                                          double slope) {
    Tensor<double> dx = zeros<double>(x.shape());
    // Your code goes here: write to every dx.data()[i], i = 0 .. x.size() - 1.
    return dx;
}
