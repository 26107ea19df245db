#pragma once
// Exercise 01.4: give every feature mean 0 and standard deviation 1.

#include <handgrad/tensor/tensor.hpp>

using handgrad::Tensor;
using handgrad::zeros;

// x has shape (N, D): N examples, D features. For each column d,
//
//     mu_d    = 1/N sum over n of x_nd
//     sigma_d = sqrt(1/N sum over n of (x_nd - mu_d)^2)
//     y_nd    = (x_nd - mu_d) / sigma_d
//
// No column is constant. The result y has the shape of x; its entries are y(n, d).
inline Tensor<double> standardize(const Tensor<double>& x) {
    Tensor<double> y = zeros<double>(x.shape());
    // Your code goes here.
    return y;
}
