#pragma once
// Exercise 12.4: batch normalisation forward, in training and in evaluation.
// Background: the book's page "Batch normalisation"
// (lib/handgrad/ops/batch_norm/batch_norm.md).

#include <cmath>

#include <handgrad/tensor/tensor.hpp>

using handgrad::Tensor;
using handgrad::zeros;

struct Running {
    Tensor<double> mean, var; // (C) both
};

// Training. For each column c of x, with mean and biased variance over the N
// rows,
//
//     y(n, c) = (x(n, c) - mean) / sqrt(var + eps) * w(c) + b(c).
//
// Then moves the running statistics towards those of this mini-batch, which get
// the weight `momentum`. The running variance takes the unbiased variance.
// x and y are (N, C); w and b are (C).
inline Tensor<double> batch_norm_training(const Tensor<double>& x,
                                          const Tensor<double>& w,
                                          const Tensor<double>& b, double eps,
                                          double momentum, Running& running) {
    Tensor<double> y = zeros<double>(x.shape());
    // Your code goes here.
    return y;
}

// Evaluation: the same formula with the running statistics, which stay.
inline Tensor<double> batch_norm_evaluation(const Tensor<double>& x,
                                            const Tensor<double>& w,
                                            const Tensor<double>& b, double eps,
                                            const Running& running) {
    Tensor<double> y = zeros<double>(x.shape());
    // Your code goes here.
    return y;
}
