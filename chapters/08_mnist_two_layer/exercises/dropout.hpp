#pragma once
// Exercise 08.4: dropout, forward and backward.
// Background: chapter 08, the section about overfitting; for backward, the
// book's page "Activations" (lib/handgrad/ops/activation/activation.md).

#include <handgrad/tensor/tensor.hpp>

using handgrad::Tensor;
using handgrad::zeros;

// During training, dropout sets each hidden unit to zero with the probability
// `rate`, and makes the others larger, so that the mean over all masks is x:
//
//     y_i = x_i / (1 - rate)    where mask_i is 1
//     y_i = 0                   where mask_i is 0
//
// The mask has already been drawn; x, mask and y have the same shape (any).
inline Tensor<double> dropout_forward(const Tensor<double>& x,
                                      const Tensor<double>& mask, double rate) {
    Tensor<double> y = zeros<double>(x.shape());
    // Your code goes here.
    return y;
}

// The gradient with respect to x, given dy and the mask that forward used; all
// have the same shape.
inline Tensor<double> dropout_backward(const Tensor<double>& dy,
                                       const Tensor<double>& mask,
                                       double rate) {
    Tensor<double> dx = zeros<double>(dy.shape());
    // Your code goes here.
    return dx;
}
