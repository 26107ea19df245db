#pragma once
// Exercise 08.4: dropout, forward and backward.

#include <handgrad/tensor/tensor.hpp>

using handgrad::Tensor;
using handgrad::zeros;

// In training, dropout switches off each hidden unit with probability p and makes up for it by making the others
// larger, so that the mean over all masks is x again:
//
//     y_i = x_i / (1 - p)    where mask_i is 1
//     y_i = 0                where mask_i is 0
//
// The mask has been drawn already; x, mask and y have one shape (any).
inline Tensor<double> dropout_forward(const Tensor<double>& x, const Tensor<double>& mask,
                                      double p) {
    Tensor<double> y = zeros<double>(x.shape());
    // Your code goes here.
    return y;
}

// The gradient with respect to x, given dy and the mask that forward has used; all of one shape.
inline Tensor<double> dropout_backward(const Tensor<double>& dy, const Tensor<double>& mask,
                                       double p) {
    Tensor<double> dx = zeros<double>(dy.shape());
    // Your code goes here.
    return dx;
}
