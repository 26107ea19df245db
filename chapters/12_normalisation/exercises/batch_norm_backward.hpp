#pragma once
// Exercise 12.5: batch normalisation backward.
// Background: the book's page "Batch normalisation"
// (lib/handgrad/ops/batch_norm/batch_norm.md).

#include <cmath>

#include <handgrad/tensor/tensor.hpp>

using handgrad::Tensor;
using handgrad::zeros;

struct BatchNormGradients {
    Tensor<double> dx, dw, db; // (N, C), (C), (C)
};

// Given dy (N, C), computes the gradients of
//
//     y(n, c) = (x(n, c) - mean(c)) / sqrt(var(c) + eps) * w(c) + b(c),
//
// where mean and (biased) variance are those of the columns of x (N, C): both
// depend on x.
inline BatchNormGradients batch_norm_backward(const Tensor<double>& x,
                                              const Tensor<double>& w,
                                              double eps,
                                              const Tensor<double>& dy) {
    BatchNormGradients g{zeros<double>(x.shape()), zeros<double>(w.shape()),
                         zeros<double>(w.shape())};
    // Your code goes here.
    return g;
}
