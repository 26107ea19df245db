#pragma once
// Exercise 03.5: backward through a matrix product.

#include <handgrad/tensor.hpp>

struct MatmulGradients {
    handgrad::Tensor<double> da; // (M, K), as a
    handgrad::Tensor<double> db; // (K, N), as b
};

// Forward was c = a b, with a (M, K), b (K, N) and c (M, N):
//
//     c_ij = sum over k of a_ik b_kj
//
// dc (M, N) is the gradient of the loss with respect to c. Which entries of c depend on a_ik, and how?
inline MatmulGradients matmul_backward(const handgrad::Tensor<double>& a, const handgrad::Tensor<double>& b,
                                       const handgrad::Tensor<double>& dc) {
    MatmulGradients g{handgrad::zeros<double>(a.shape()), handgrad::zeros<double>(b.shape())};
    // Your code goes here. Plain loops are good; nobody takes the time.
    return g;
}
