#pragma once
// Exercise 02.4: another activation.

#include <handgrad/tensor/tensor.hpp>

using handgrad::Tensor;
using handgrad::zeros;

// Entry by entry, for x of any shape:
//
//     y = x            where x > 0
//     y = slope * x    elsewhere
//
// A NaN must come out as a NaN: a network that has gone wrong should not look healthy.
inline Tensor<double> leaky_relu_forward(const Tensor<double>& x, double slope) {
    Tensor<double> y = zeros<double>(x.shape());
    // Your code goes here: write to every y.data()[i], i = 0 .. x.size() - 1.
    return y;
}
