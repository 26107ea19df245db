#pragma once
// Exercise 04.5: from the scores to the parameters, with the penalty.

#include <handgrad/tensor/tensor.hpp>

using handgrad::Tensor;
using handgrad::zeros;

struct ClassifierGradients {
    Tensor<double> dw; // (D, K)
    Tensor<double> db; // (K)
};

// The scores were u = x w + b, with the points x (N, D), the weight w (D, K) and the bias b (K), and the loss is that of
// the data, whose gradient with respect to u is du (N, K), plus the penalty
//
//     lambda / 2 * sum over d and k of w_dk^2
//
// The bias is not penalised, and its value is not needed.
inline ClassifierGradients classifier_backward(const Tensor<double>& x, const Tensor<double>& w,
                                               double lambda, const Tensor<double>& du) {
    ClassifierGradients g{zeros<double>(w.shape()), zeros<double>({w.shape(1)})};
    // Your code goes here: write to every g.dw(d, k) and g.db(k).
    return g;
}
