#pragma once
// Exercise 13.5: AdamW, with parameters that do not decay.

#include <cmath>

#include <handgrad/tensor/tensor.hpp>

using handgrad::Tensor;

enum class Kind { weight, bias };

// Source: I. Loshchilov and F. Hutter, Decoupled Weight Decay Regularization
// (2019), algorithm 2.
inline void adamw_step(Tensor<double>& w, Tensor<double>& mean,
                       Tensor<double>& square, const Tensor<double>& dw,
                       double lr, double lambda, Kind kind, int t) {
    const double beta1 = 0.9, beta2 = 0.999, eps = 1e-8;
    const double correct1 = 1 - std::pow(beta1, t);
    const double correct2 = 1 - std::pow(beta2, t);
    const double shrink = kind == Kind::weight ? 1 - lr * lambda : 1;
    for (std::size_t i = 0; i < w.size(); ++i) {
        const double g = dw.data()[i];
        double& m = mean.data()[i];
        double& s = square.data()[i];
        m = beta1 * m + (1 - beta1) * g;
        s = beta2 * s + (1 - beta2) * g * g;
        w.data()[i] *= shrink;
        w.data()[i] -= lr * (m / correct1) / (std::sqrt(s / correct2) + eps);
    }
}
