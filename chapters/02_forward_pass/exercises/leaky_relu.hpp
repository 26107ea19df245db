#pragma once
// Exercise 02.4: leaky ReLU, forward.
// Background: the book's page "Activations"
// (lib/handgrad/ops/activation/activation.md).

#include <handgrad/tensor/tensor.hpp>

using handgrad::Tensor;
using handgrad::zeros;

// Entry by entry, for x of any shape:
//
//     y = x            where x > 0
//     y = alpha * x    elsewhere
//
// If an entry of x is NaN, that of y must be NaN, too: a network that has
// diverged should not look healthy.
inline Tensor<double> leaky_relu_forward(const Tensor<double>& x,
                                         double alpha) {
    Tensor<double> y = zeros<double>(x.shape());
    // Your code goes here: write every y.data()[i], i = 0 .. x.size() - 1.
    return y;
}
