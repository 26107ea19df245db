#pragma once
// Exercise 04.5: from the scores to the parameters, with the penalty.

#include <handgrad/tensor.hpp>

struct ClassifierGradients {
    handgrad::Tensor<double> dw; // (D, K)
    handgrad::Tensor<double> db; // (K)
};

// The scores were u = x w + b, with the points x (N, D), the weight w (D, K) and the bias b (K), and the loss is that of
// the data, whose gradient with respect to u is du (N, K), plus the penalty
//
//     lambda / 2 * sum over d and k of w_dk^2
//
// The bias is not penalised, and its value is not needed.
inline ClassifierGradients classifier_backward(const handgrad::Tensor<double>& x, const handgrad::Tensor<double>& w,
                                               double lambda, const handgrad::Tensor<double>& du) {
    ClassifierGradients g{handgrad::zeros<double>(w.shape()), handgrad::zeros<double>({w.shape(1)})};
    // Your code goes here: write to every g.dw(d, k) and g.db(k).
    return g;
}
