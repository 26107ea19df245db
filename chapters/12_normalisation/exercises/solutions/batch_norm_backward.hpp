#pragma once
// Exercise 12.5: batch normalisation backward.

#include <cmath>

#include <handgrad/tensor/tensor.hpp>

using handgrad::Tensor;
using handgrad::zeros;

struct BatchNormGradients {
    Tensor<double> dx, dw, db; // (N, C), (C), (C)
};

inline BatchNormGradients batch_norm_backward(const Tensor<double>& x,
                                              const Tensor<double>& w,
                                              double eps,
                                              const Tensor<double>& dy) {
    BatchNormGradients g{zeros<double>(x.shape()), zeros<double>(w.shape()),
                         zeros<double>(w.shape())};
    const std::size_t N = x.shape(0), C = x.shape(1);
    const auto m = static_cast<double>(N);
    for (std::size_t c = 0; c < C; ++c) {
        double mean = 0, var = 0;
        for (std::size_t n = 0; n < N; ++n) { mean += x(n, c) / m; }
        for (std::size_t n = 0; n < N; ++n) {
            var += (x(n, c) - mean) * (x(n, c) - mean) / m;
        }
        const double rstd = 1 / std::sqrt(var + eps);
        for (std::size_t n = 0; n < N; ++n) {
            g.dw(c) += dy(n, c) * (x(n, c) - mean) * rstd;
            g.db(c) += dy(n, c);
        }
        // The two sums that dx needs are dw and db.
        for (std::size_t n = 0; n < N; ++n) {
            const double x_hat = (x(n, c) - mean) * rstd;
            const double of_mean = g.db(c) / m, of_var = x_hat * g.dw(c) / m;
            g.dx(n, c) = w(c) * rstd * (dy(n, c) - of_mean - of_var);
        }
    }
    return g;
}
