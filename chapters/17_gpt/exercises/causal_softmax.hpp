#pragma once
// Exercise 17.4: softmax behind the causal mask, and its backward.
// Background: the introduction of chapter 17, and the book's page "Attention"
// (lib/handgrad/ops/attention/attention.md).

#include <handgrad/tensor/tensor.hpp>

using handgrad::Tensor;

// z (T, T) holds the scores: z(t, s) says how well the query of token t fits the
// key of token s. Token t sees itself and the tokens before it. Returns the
// weights p (T, T):
//
//     p(t, s) = e^z(t, s) / sum of e^z(t, r) over all r that t sees
//
// and 0 where t does not see s. Scores may be as large as 1000. A score that is
// hidden may be any number and has no influence.
inline Tensor<double> causal_softmax(const Tensor<double>& z) {
    Tensor<double> p = handgrad::zeros<double>(z.shape());
    // Your code goes here.
    return p;
}

// Given p of forward and dp = dL/dp (T, T), returns dz = dL/dz (T, T). It is 0
// where t does not see s, whatever dp is there.
inline Tensor<double> causal_softmax_backward(const Tensor<double>& p,
                                              const Tensor<double>& dp) {
    static_cast<void>(dp); // until you use it
    Tensor<double> dz = handgrad::zeros<double>(p.shape());
    // Your code goes here.
    return dz;
}
