#pragma once
// Exercise 12.4: batch normalisation forward, in training and in evaluation.

#include <cmath>

#include <handgrad/tensor/tensor.hpp>

using handgrad::Tensor;
using handgrad::zeros;

struct Running {
    Tensor<double> mean, var; // (C) both
};

// Both modes share the formula. They differ in where mean and variance come
// from.
inline Tensor<double> normalise(const Tensor<double>& x,
                                const Tensor<double>& w,
                                const Tensor<double>& b, double eps,
                                const Tensor<double>& mean,
                                const Tensor<double>& var) {
    Tensor<double> y = zeros<double>(x.shape());
    for (std::size_t n = 0; n < x.shape(0); ++n) {
        for (std::size_t c = 0; c < x.shape(1); ++c) {
            const double rstd = 1 / std::sqrt(var(c) + eps);
            y(n, c) = (x(n, c) - mean(c)) * rstd * w(c) + b(c);
        }
    }
    return y;
}

inline Tensor<double> batch_norm_training(const Tensor<double>& x,
                                          const Tensor<double>& w,
                                          const Tensor<double>& b, double eps,
                                          double momentum, Running& running) {
    const std::size_t N = x.shape(0), C = x.shape(1);
    const auto m = static_cast<double>(N);
    Tensor<double> mean = zeros<double>({C}), var = zeros<double>({C});
    for (std::size_t c = 0; c < C; ++c) {
        for (std::size_t n = 0; n < N; ++n) { mean(c) += x(n, c) / m; }
        for (std::size_t n = 0; n < N; ++n) {
            const double centred = x(n, c) - mean(c);
            var(c) += centred * centred / m;
        }
        const double unbiased = var(c) * m / (m - 1);
        running.mean(c) += momentum * (mean(c) - running.mean(c));
        running.var(c) += momentum * (unbiased - running.var(c));
    }
    return normalise(x, w, b, eps, mean, var);
}

inline Tensor<double> batch_norm_evaluation(const Tensor<double>& x,
                                            const Tensor<double>& w,
                                            const Tensor<double>& b, double eps,
                                            const Running& running) {
    return normalise(x, w, b, eps, running.mean, running.var);
}
