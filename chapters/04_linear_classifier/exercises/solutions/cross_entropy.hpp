#pragma once
// Exercise 04.4: softmax cross-entropy, backward.

#include <cmath>

#include <handgrad/tensor/tensor.hpp>

using handgrad::Labels;
using handgrad::Tensor;
using handgrad::zeros;

// Probability minus truth, divided by N because the loss is a mean.
inline Tensor<double> cross_entropy_backward(const Tensor<double>& u, const Labels& y) {
    Tensor<double> du = zeros<double>(u.shape());
    const auto N = static_cast<double>(u.shape(0));
    for (std::size_t n = 0; n < u.shape(0); ++n) {
        double sum = 0;
        for (std::size_t k = 0; k < u.shape(1); ++k) { sum += std::exp(u(n, k)); }
        for (std::size_t k = 0; k < u.shape(1); ++k) { du(n, k) = std::exp(u(n, k)) / sum / N; }
        du(n, y(n)) -= 1 / N;
    }
    return du;
}
