#pragma once
// Exercise 04.4: softmax cross-entropy with label smoothing, backward.

#include <cmath>

#include <handgrad/tensor/tensor.hpp>

using handgrad::Labels;
using handgrad::Tensor;
using handgrad::zeros;

// The derivative of -sum_j q_j log p_j with respect to z_k is
// -q_k + p_k sum_j q_j, and the q_j add up to 1: p_k - q_k. As without
// smoothing, it is probability minus target, divided by N for the mean.
inline Tensor<double> smoothed_loss_backward(const Tensor<double>& z,
                                             const Labels& y,
                                             double smoothing) {
    Tensor<double> dz = zeros<double>(z.shape());
    const auto N = static_cast<double>(z.shape(0));
    const auto K = static_cast<double>(z.shape(1));
    for (std::size_t n = 0; n < z.shape(0); ++n) {
        double sum = 0;
        for (std::size_t k = 0; k < z.shape(1); ++k) {
            sum += std::exp(z(n, k));
        }
        for (std::size_t k = 0; k < z.shape(1); ++k) {
            const double p = std::exp(z(n, k)) / sum;
            dz(n, k) = (p - smoothing / K) / N;
        }
        dz(n, y(n)) -= (1 - smoothing) / N;
    }
    return dz;
}
