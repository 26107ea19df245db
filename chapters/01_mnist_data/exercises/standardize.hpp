#pragma once
// Exercise 01.4: give every feature mean 0 and standard deviation 1.
// Background: chapter 01, the section about normalisation.

#include <handgrad/tensor/tensor.hpp>

using handgrad::Tensor;
using handgrad::zeros;

// x has shape (N, D): N examples with D features. For each column i,
//
//     mu_i    = 1/N sum over n of x_ni
//     sigma_i = sqrt(1/N sum over n of (x_ni - mu_i)^2)
//     y_ni    = (x_ni - mu_i) / sigma_i
//
// No column is constant. The result y has the shape of x; its entries are
// y(n, i).
inline Tensor<double> standardize(const Tensor<double>& x) {
    Tensor<double> y = zeros<double>(x.shape());
    // Your code goes here.
    return y;
}
