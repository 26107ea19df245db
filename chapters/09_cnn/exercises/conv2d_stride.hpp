#pragma once
// Exercise 09.6: a convolution that takes larger steps.

#include <handgrad/tensor/tensor.hpp>

using handgrad::Tensor;
using handgrad::zeros;

// The filter moves on by `stride` pixels instead of one, in both directions, as long as it fits into the image:
//
//     y_nkpq = b_k + sum over c, r, s of w_kcrs x_n,c,(stride p + r),(stride q + s)
//
// x is (N, C, H, W), w (K, C, R, S), b (K), and y (N, K, P, Q). P and Q are for you to find: where does the last window
// begin? With stride 1 they are H - R + 1 and W - S + 1, and that is what the lines below have.
inline Tensor<double> conv2d_forward(const Tensor<double>& x, const Tensor<double>& w,
                                     const Tensor<double>& b, std::size_t stride) {
    const std::size_t P = x.shape(2) - w.shape(2) + 1, Q = x.shape(3) - w.shape(3) + 1;
    Tensor<double> y = zeros<double>({x.shape(0), w.shape(0), P, Q});
    // Your code goes here.
    return y;
}
