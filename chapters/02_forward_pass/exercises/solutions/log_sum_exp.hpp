#pragma once
// Exercise 02.5: the logarithm of a sum of exponentials, for scores of any size.

#include <algorithm>
#include <cmath>

#include <handgrad/tensor/tensor.hpp>

using handgrad::Tensor;
using handgrad::zeros;

// With m the largest score of the row, the sum is exp(m) times a sum of numbers up to 1, one of which is 1. So neither
// can the exponentials get too large, nor is the logarithm ever taken of 0.
inline Tensor<double> log_sum_exp(const Tensor<double>& z) {
    Tensor<double> s = zeros<double>({z.shape(0)});
    for (std::size_t n = 0; n < z.shape(0); ++n) {
        double m = z(n, 0), sum = 0;
        for (std::size_t k = 1; k < z.shape(1); ++k) { m = std::max(m, z(n, k)); }
        for (std::size_t k = 0; k < z.shape(1); ++k) { sum += std::exp(z(n, k) - m); }
        s(n) = m + std::log(sum);
    }
    return s;
}
