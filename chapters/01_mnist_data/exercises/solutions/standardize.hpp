#pragma once
// Exercise 01.4: give every feature mean 0 and standard deviation 1.

#include <cmath>

#include <handgrad/tensor/tensor.hpp>

using handgrad::Tensor;
using handgrad::zeros;

// Two passes over each column: first the mean, then the squared deviations
// from it. One pass would be enough for the mean of the squares minus the
// square of the mean. But if the mean is large and the deviation small, these
// two numbers are nearly equal, and their difference consists of rounding
// errors.
inline Tensor<double> standardize(const Tensor<double>& x) {
    Tensor<double> y = zeros<double>(x.shape());
    const std::size_t N = x.shape(0), D = x.shape(1);
    for (std::size_t i = 0; i < D; ++i) {
        double mean = 0, variance = 0;
        for (std::size_t n = 0; n < N; ++n) { mean += x(n, i); }
        mean /= static_cast<double>(N);
        for (std::size_t n = 0; n < N; ++n) {
            variance += (x(n, i) - mean) * (x(n, i) - mean);
        }
        variance /= static_cast<double>(N);
        for (std::size_t n = 0; n < N; ++n) {
            y(n, i) = (x(n, i) - mean) / std::sqrt(variance);
        }
    }
    return y;
}
