#pragma once
// Exercise 07.6: Adam.

#include <cmath>

#include <handgrad/tensor/tensor.hpp>

using handgrad::Tensor;

// Source: D. Kingma and J. Ba, Adam: a method for stochastic optimization,
// arXiv:1412.6980 (2014).
inline void adam_step(Tensor<double>& w, Tensor<double>& mean,
                      Tensor<double>& square, const Tensor<double>& dw,
                      double lr, int t) {
    const double beta1 = 0.9, beta2 = 0.999, eps = 1e-8;
    const double correct1 = 1 - std::pow(beta1, t);
    const double correct2 = 1 - std::pow(beta2, t);
    for (std::size_t i = 0; i < w.size(); ++i) {
        const double g = dw.data()[i];
        double& m = mean.data()[i];
        double& s = square.data()[i];
        m = beta1 * m + (1 - beta1) * g;
        s = beta2 * s + (1 - beta2) * g * g;
        w.data()[i] -= lr * (m / correct1) / (std::sqrt(s / correct2) + eps);
    }
}
