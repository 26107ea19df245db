#pragma once
// Exercise 05.5: tanh, backward, from what forward has computed.

#include <handgrad/tensor/tensor.hpp>

using handgrad::Tensor;
using handgrad::zeros;

// Forward was y = tanh(x), entry by entry. x has been thrown away since; y is still there, and it is enough.
//
// y and dy have one shape (any), and so has the result dx.
inline Tensor<double> tanh_backward(const Tensor<double>& y, const Tensor<double>& dy) {
    Tensor<double> dx = zeros<double>(y.shape());
    // Your code goes here.
    return dx;
}
