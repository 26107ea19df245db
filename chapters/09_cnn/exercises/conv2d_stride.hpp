#pragma once
// Exercise 09.6: a convolution with a stride.
// Background: the book's page "Convolution"
// (lib/handgrad/ops/conv2d/conv2d.md).

#include <handgrad/tensor/tensor.hpp>

using handgrad::Tensor;
using handgrad::zeros;

// The filter moves by `stride` pixels instead of one, in both directions, as
// long as it fits into the image:
//
//     y_nkpq = b_k + sum over c, r, s of
//                  w_kcrs x_n,c,(stride p + r),(stride q + s)
//
// x is (N, C_in, H, W), w (C_out, C_in, R, S), b (C_out), and y
// (N, C_out, P, Q). Find P and Q: where does the last window begin? For
// stride 1 they are H - R + 1 and W - S + 1, as in the lines below.
inline Tensor<double> conv2d_forward(const Tensor<double>& x,
                                     const Tensor<double>& w,
                                     const Tensor<double>& b,
                                     std::size_t stride) {
    const std::size_t P = x.shape(2) - w.shape(2) + 1;
    const std::size_t Q = x.shape(3) - w.shape(3) + 1;
    Tensor<double> y = zeros<double>({x.shape(0), w.shape(0), P, Q});
    // Your code goes here.
    return y;
}
