#pragma once
// Exercise 03.5: backward through a matrix product.
// Background: the book's page "Linear" (lib/handgrad/ops/linear/linear.md).

#include <handgrad/tensor/tensor.hpp>

using handgrad::Tensor;
using handgrad::zeros;

struct MatmulGradients {
    Tensor<double> da; // (N, D), as a
    Tensor<double> db; // (D, K), as b
};

// Forward was c = a b, with a (N, D), b (D, K) and c (N, K):
//
//     c_nk = sum over i of a_ni b_ik
//
// dc (N, K) is the gradient of the loss with respect to c. Which entries of c
// depend on a_ni, and how?
inline MatmulGradients matmul_backward(const Tensor<double>& a,
                                       const Tensor<double>& b,
                                       const Tensor<double>& dc) {
    MatmulGradients g{zeros<double>(a.shape()), zeros<double>(b.shape())};
    // Your code goes here: plain loops over g.da(n, i) and g.db(i, k).
    return g;
}
