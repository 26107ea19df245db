#pragma once
// Exercise 11.6: backward through an embedding.

#include <handgrad/tensor/tensor.hpp>

using handgrad::Labels;
using handgrad::Tensor;

// Rows of dy are added, so that a token that occurs twice gets the sum.
inline Tensor<double> embedding_backward(const Tensor<double>& dy,
                                         const Labels& token, std::size_t V) {
    Tensor<double> dw = handgrad::zeros<double>({V, dy.shape(1)});
    for (std::size_t n = 0; n < dy.shape(0); ++n) {
        const auto v = static_cast<std::size_t>(token(n));
        for (std::size_t c = 0; c < dy.shape(1); ++c) { dw(v, c) += dy(n, c); }
    }
    return dw;
}
