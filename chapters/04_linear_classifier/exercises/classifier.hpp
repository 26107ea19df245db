#pragma once
// Exercise 04.5: from the scores to the parameters, with weights stored as in
// PyTorch.
// Background: chapter 04, the section about the gradients of w and b, and the
// book's page "Linear" (lib/handgrad/ops/linear/linear.md).

#include <handgrad/tensor/tensor.hpp>

using handgrad::Tensor;
using handgrad::zeros;

struct ClassifierGradients {
    Tensor<double> dw; // (K, D): transposed, compared with the chapter
    Tensor<double> db; // (K)
};

// PyTorch's nn.Linear stores a row of weights for each output: w is (K, D), and
// the scores of the examples x (N, D) are z = x w^T + b,
//
//     z_nk = sum over i of x_ni w_ki + b_k
//
// The loss is that of the data, whose gradient with respect to z is dz (N, K),
// plus the penalty
//
//     lambda / 2 * sum over k and i of w_ki^2
//
// The bias is not penalised, and its value is not needed.
inline ClassifierGradients classifier_backward(const Tensor<double>& x,
                                               const Tensor<double>& w,
                                               double lambda,
                                               const Tensor<double>& dz) {
    ClassifierGradients g{zeros<double>(w.shape()),
                          zeros<double>({w.shape(0)})};
    // Your code goes here: write every g.dw(k, i) and g.db(k).
    return g;
}
