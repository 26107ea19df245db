#pragma once
// Exercise 15.5: from the input of the network back to its table of letters.

#include <handgrad/tensor/tensor.hpp>

using handgrad::Labels;
using handgrad::Tensor;

// Part t of row n of dx is added to the row of its letter.
inline Tensor<double> letters_backward(const Tensor<double>& dx,
                                       const Labels& token, std::size_t V) {
    const std::size_t N = token.shape(0), T = token.shape(1);
    const std::size_t C = dx.shape(1) / T;
    Tensor<double> dw0 = handgrad::zeros<double>({V, C});
    for (std::size_t n = 0; n < N; ++n) {
        for (std::size_t t = 0; t < T; ++t) {
            const auto i = static_cast<std::size_t>(token(n, t));
            for (std::size_t c = 0; c < C; ++c) {
                dw0(i, c) += dx(n, t * C + c);
            }
        }
    }
    return dw0;
}
