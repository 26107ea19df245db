#pragma once
// Exercise 05.4: leaky ReLU, backward.
// Background: the book's page "Activations"
// (lib/handgrad/ops/activation/activation.md).

#include <handgrad/tensor/tensor.hpp>

using handgrad::Tensor;
using handgrad::zeros;

// Forward, entry by entry:
//
//     y = x            where x > 0
//     y = alpha * x    elsewhere
//
// x and dy have the same shape (any), and so has the result: dx, the gradient
// of the loss with respect to x, given dy, the gradient with respect to y.
inline Tensor<double> leaky_relu_backward(const Tensor<double>& x,
                                          const Tensor<double>& dy,
                                          double alpha) {
    Tensor<double> dx = zeros<double>(x.shape());
    // Your code goes here: write every dx.data()[i], i = 0 .. x.size() - 1.
    return dx;
}
