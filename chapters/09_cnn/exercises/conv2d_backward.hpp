#pragma once
// Exercise 09.5: the gradients of a convolution's filters and biases.

#include <handgrad/tensor/tensor.hpp>

using handgrad::Tensor;
using handgrad::zeros;

struct Conv2dGradientsOfParameters {
    Tensor<double> dw; // (K, C, R, S)
    Tensor<double> db; // (K)
};

// Forward was, with x (N, C, H, W), filters w (K, C, R, S) and y (N, K, P, Q), where P = H - R + 1 and Q = W - S + 1,
//
//     y_nkpq = b_k + sum over c, r, s of w_kcrs x_n,c,p+r,q+s
//
// dy has the shape of y. The loops are yours; six deep is all right.
inline Conv2dGradientsOfParameters conv2d_backward(const Tensor<double>& x,
                                                   const Tensor<double>& dy) {
    const std::size_t C = x.shape(1), H = x.shape(2), W = x.shape(3);
    const std::size_t K = dy.shape(1), P = dy.shape(2), Q = dy.shape(3);
    const std::size_t R = H - P + 1, S = W - Q + 1;
    Conv2dGradientsOfParameters g{zeros<double>({K, C, R, S}), zeros<double>({K})};
    // Your code goes here.
    return g;
}
