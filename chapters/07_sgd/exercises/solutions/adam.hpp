#pragma once
// Exercise 07.6: Adam.

#include <cmath>

#include <handgrad/tensor/tensor.hpp>

using handgrad::Tensor;

// Source: D. Kingma and J. Ba, Adam: a method for stochastic optimization, arXiv:1412.6980 (2014).
inline void adam_step(Tensor<double>& p, Tensor<double>& m, Tensor<double>& s,
                      const Tensor<double>& g, double lr, int t) {
    const double beta1 = 0.9, beta2 = 0.999, eps = 1e-8;
    const double correct1 = 1 - std::pow(beta1, t), correct2 = 1 - std::pow(beta2, t);
    for (std::size_t i = 0; i < p.size(); ++i) {
        const double gi = g.data()[i];
        m.data()[i] = beta1 * m.data()[i] + (1 - beta1) * gi;
        s.data()[i] = beta2 * s.data()[i] + (1 - beta2) * gi * gi;
        p.data()[i] -= lr * (m.data()[i] / correct1) / (std::sqrt(s.data()[i] / correct2) + eps);
    }
}
