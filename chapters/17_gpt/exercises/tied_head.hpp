#pragma once
// Exercise 17.5: the gradient of a tensor that is used in two places.
// Background: the introduction of chapter 17; the book's pages "Embedding"
// (lib/handgrad/ops/embedding/embedding.md) and "Linear layer"
// (lib/handgrad/ops/linear/linear.md).

#include <handgrad/tensor/tensor.hpp>

using handgrad::Labels;
using handgrad::Tensor;

// A language model with V tokens and C channels has one table w (V, C). For N
// tokens, one in each row, forward was
//
//     e(n, c) = w(tokens(n), c)                        (N, C) the embedding
//     x = the blocks of the model, applied to e        (N, C)
//     z(n, k) = sum over c of x(n, c) w(k, c)          (N, V) the tied head
//
// The blocks have no part in w. Given tokens (N), x (N, C), dz = dL/dz (N, V)
// and de = dL/de (N, C), which has come back through the blocks, returns
// dw = dL/dw (V, C).
inline Tensor<double> tied_gradient(const Labels& tokens,
                                    const Tensor<double>& x,
                                    const Tensor<double>& dz,
                                    const Tensor<double>& de) {
    static_cast<void>(tokens); // until you use them
    static_cast<void>(de);
    Tensor<double> dw = handgrad::zeros<double>({dz.shape(1), x.shape(1)});
    // Your code goes here.
    return dw;
}
