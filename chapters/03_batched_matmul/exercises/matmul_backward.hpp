#pragma once
// Exercise 03.5: backward through a matrix product.

#include <handgrad/tensor/tensor.hpp>

using handgrad::Tensor;
using handgrad::zeros;

struct MatmulGradients {
    Tensor<double> da; // (M, K), as a
    Tensor<double> db; // (K, N), as b
};

// Forward was c = a b, with a (M, K), b (K, N) and c (M, N):
//
//     c_ij = sum over k of a_ik b_kj
//
// dc (M, N) is the gradient of the loss with respect to c. Which entries of c depend on a_ik, and how?
inline MatmulGradients matmul_backward(const Tensor<double>& a, const Tensor<double>& b, const Tensor<double>& dc) {
    MatmulGradients g{zeros<double>(a.shape()), zeros<double>(b.shape())};
    // Your code goes here. Plain loops are good; nobody takes the time.
    return g;
}
