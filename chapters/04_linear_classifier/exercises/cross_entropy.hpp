#pragma once
// Exercise 04.4: softmax cross-entropy, backward.

#include <cmath>

#include <handgrad/tensor/tensor.hpp>

using handgrad::Labels;
using handgrad::Tensor;
using handgrad::zeros;

// u (N, K) are scores, y (N) the true classes, 0 .. K-1. The loss is
//
//     L = -1/N sum over n of log p_n,y(n)    with p_nk = exp(u_nk) / sum over j of exp(u_nj)
//
// Returns du, the gradient of L with respect to u, of the shape of u. Start from the scores: compute what you need of
// the probabilities as you go. Scores are small here, so exp(u_nk) does no harm.
inline Tensor<double> cross_entropy_backward(const Tensor<double>& u, const Labels& y) {
    Tensor<double> du = zeros<double>(u.shape());
    // Your code goes here. The true class of point n is y(n).
    return du;
}
