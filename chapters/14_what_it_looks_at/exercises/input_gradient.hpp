#pragma once
// Exercise 14.4: the gradient of the pixels of a linear softmax classifier.
// Background: the introduction of chapter 14; the book's pages "Linear layer"
// (lib/handgrad/ops/linear/linear.md) and "Cross-entropy"
// (lib/handgrad/ops/cross_entropy/cross_entropy.md).

#include <handgrad/tensor/tensor.hpp>

using handgrad::Labels;
using handgrad::Tensor;
using handgrad::zeros;

// Forward was, for x (N, D), w (D, K), b (K) and the true classes y (N),
//
//     z = x w + b,    p = softmax(z) row by row,
//     L = -1/N sum over n of log p(n, y(n))
//
// Given p (N, K), y (N) and w (D, K), returns dx = dL/dx, (N, D). Entries are
// p(n, k), y(n), w(i, k) and dx(n, i).
inline Tensor<double> input_gradient(const Tensor<double>& p, const Labels& y,
                                     const Tensor<double>& w) {
    Tensor<double> dx = zeros<double>({p.shape(0), w.shape(0)});
    // Your code goes here.
    return dx;
}
