#pragma once
// Exercise 16.6: the gradients of all cells of an LSTM.

#include <cmath>
#include <cstddef>

#include <handgrad/tensor/tensor.hpp>

using handgrad::Tensor;

inline Tensor<double> cell_gradients(const Tensor<double>& f,
                                     const Tensor<double>& o,
                                     const Tensor<double>& c,
                                     const Tensor<double>& dh) {
    const std::size_t T = c.shape(0), M = c.shape(1);
    Tensor<double> dc = handgrad::zeros<double>(c.shape());
    for (std::size_t t = T; t-- > 0;) {
        for (std::size_t j = 0; j < M; ++j) {
            const double y = std::tanh(c(t, j));
            const double slope = 1 - y * y;
            dc(t, j) = dh(t, j) * o(t, j) * slope;
            if (t + 1 < T) { dc(t, j) += dc(t + 1, j) * f(t + 1, j); }
        }
    }
    return dc;
}
