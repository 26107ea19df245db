#pragma once
// Exercise 09.5: the gradients of a convolution's filters and biases.
// Background: the book's page "Convolution"
// (lib/handgrad/ops/conv2d/conv2d.md), and exercise 09.2, whose numbers are the
// first case.

#include <handgrad/tensor/tensor.hpp>

using handgrad::Tensor;
using handgrad::zeros;

struct Conv2dGradientsOfParameters {
    Tensor<double> dw; // (C_out, C_in, R, S)
    Tensor<double> db; // (C_out)
};

// Forward was, with x (N, C_in, H, W), filters w (C_out, C_in, R, S) and
// y (N, C_out, P, Q), where P = H - R + 1 and Q = W - S + 1,
//
//     y_nkpq = b_k + sum over c, r, s of w_kcrs x_n,c,p+r,q+s
//
// dy has the shape of y. Plain loops will do, seven of them.
inline Conv2dGradientsOfParameters conv2d_backward(const Tensor<double>& x,
                                                   const Tensor<double>& dy) {
    const std::size_t C_in = x.shape(1), H = x.shape(2), W = x.shape(3);
    const std::size_t C_out = dy.shape(1), P = dy.shape(2), Q = dy.shape(3);
    const std::size_t R = H - P + 1, S = W - Q + 1;
    Conv2dGradientsOfParameters g{zeros<double>({C_out, C_in, R, S}),
                                  zeros<double>({C_out})};
    // Your code goes here: g.dw(k, c, r, s) and g.db(k).
    return g;
}
