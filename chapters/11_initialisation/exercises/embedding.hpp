#pragma once
// Exercise 11.6: backward through an embedding.
// Background: the book's page "Embedding" (lib/handgrad/ops/embedding/embedding.md).

#include <handgrad/tensor/tensor.hpp>

using handgrad::Labels;
using handgrad::Tensor;

// Forward copies rows of the weight w, (V, C): row n of y, (N, C), is the row
// of w that token[n] names. Given dy = dL/dy, (N, C), return dw = dL/dw, (V, C).
// A token may occur several times, once, or never.
inline Tensor<double> embedding_backward(const Tensor<double>& dy,
                                         const Labels& token, std::size_t V) {
    // Your code goes here.
    return handgrad::zeros<double>({V, dy.shape(1)});
}
