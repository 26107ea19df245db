#pragma once
// Exercise 15.5: from the input of the network back to its table of letters.
// Background: chapter 15, and the book's page "Embedding"
// (lib/handgrad/ops/embedding/embedding.md).

#include <handgrad/tensor/tensor.hpp>

using handgrad::Labels;
using handgrad::Tensor;

// The input x, (N, T C), of the network consists of rows of the table w0,
// (V, C), for T letters one after another:
//
//     x(n, t C + c) = w0(token(n, t), c), t = 0 .. T - 1, c = 0 .. C - 1.
//
// Given dx = dL/dx, (N, T C), and the tokens, (N, T), return dw0 = dL/dw0,
// (V, C). A letter may occur in several examples, several times in one example,
// or never.
inline Tensor<double> letters_backward(const Tensor<double>& dx,
                                       const Labels& token, std::size_t V) {
    const std::size_t C = dx.shape(1) / token.shape(1);
    // Your code goes here.
    return handgrad::zeros<double>({V, C});
}
