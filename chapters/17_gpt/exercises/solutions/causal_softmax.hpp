#pragma once
// Exercise 17.4: softmax behind the causal mask, and its backward.

#include <algorithm>
#include <cmath>
#include <cstddef>

#include <handgrad/tensor/tensor.hpp>

using handgrad::Tensor;

inline Tensor<double> causal_softmax(const Tensor<double>& z) {
    Tensor<double> p = handgrad::zeros<double>(z.shape());
    for (std::size_t t = 0; t < z.shape(0); ++t) {
        const std::size_t visible = t + 1;
        double largest = z(t, 0);
        for (std::size_t s = 0; s < visible; ++s) {
            largest = std::max(largest, z(t, s));
        }
        double sum = 0;
        for (std::size_t s = 0; s < visible; ++s) {
            p(t, s) = std::exp(z(t, s) - largest);
            sum += p(t, s);
        }
        for (std::size_t s = 0; s < visible; ++s) { p(t, s) /= sum; }
    }
    return p;
}

inline Tensor<double> causal_softmax_backward(const Tensor<double>& p,
                                              const Tensor<double>& dp) {
    Tensor<double> dz = handgrad::zeros<double>(p.shape());
    for (std::size_t t = 0; t < p.shape(0); ++t) {
        double mean = 0; // of dp, with the weights p
        for (std::size_t s = 0; s <= t; ++s) { mean += p(t, s) * dp(t, s); }
        for (std::size_t s = 0; s <= t; ++s) {
            dz(t, s) = p(t, s) * (dp(t, s) - mean);
        }
    }
    return dz;
}
