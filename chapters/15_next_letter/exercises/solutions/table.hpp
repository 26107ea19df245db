#pragma once
// Exercise 15.4: the gradient of a table of scores.

#include <cmath>

#include <handgrad/tensor/tensor.hpp>

using handgrad::Labels;
using handgrad::Tensor;

// Each example adds (p - 1[k = y]) / N to its row.
inline Tensor<double> table_gradient(const Tensor<double>& w, const Labels& x,
                                     const Labels& y) {
    const std::size_t N = x.size(), V = w.shape(1);
    Tensor<double> dw = handgrad::zeros<double>(w.shape());
    for (std::size_t n = 0; n < N; ++n) {
        const auto i = static_cast<std::size_t>(x(n));
        const auto next = static_cast<std::size_t>(y(n));
        double sum = 0;
        for (std::size_t k = 0; k < V; ++k) { sum += std::exp(w(i, k)); }
        for (std::size_t k = 0; k < V; ++k) {
            const double p = std::exp(w(i, k)) / sum;
            const double one = k == next ? 1 : 0;
            dw(i, k) += (p - one) / static_cast<double>(N);
        }
    }
    return dw;
}
