#pragma once
// Exercise 04.4: softmax cross-entropy with label smoothing, backward.
// Background: chapter 04, the section about the gradient of the scores, and
// the book's page "Softmax cross-entropy"
// (lib/handgrad/ops/cross_entropy/cross_entropy.md).

#include <cmath>

#include <handgrad/tensor/tensor.hpp>

using handgrad::Labels;
using handgrad::Tensor;
using handgrad::zeros;

// z (N, K) are scores and y (N) the true classes, 0 .. K-1. With label
// smoothing, the target is not 1 for the true class and 0 for the others: a
// part of it, `smoothing`, is shared equally by all K classes, the true one
// included,
//
//     q_nk = (1 - smoothing) 1[k = y_n] + smoothing / K
//
// and the loss is
//
//     L = -1/N sum over n and k of q_nk log p_nk
//     p_nk = exp(z_nk) / sum over j of exp(z_nj)
//
// Returns dz, the gradient of L with respect to z, of the shape of z. Use that
// each row of q has the sum 1. The scores are small, so std::exp is safe.
// PyTorch: cross_entropy(z, y, label_smoothing=...).
inline Tensor<double> smoothed_loss_backward(const Tensor<double>& z,
                                             const Labels& y,
                                             double smoothing) {
    Tensor<double> dz = zeros<double>(z.shape());
    // Your code goes here. The true class of example n is y(n).
    return dz;
}
