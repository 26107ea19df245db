#pragma once
// Exercise 02.5: the logarithm of a sum of exponentials, for any scores.

#include <algorithm>
#include <cmath>

#include <handgrad/tensor/tensor.hpp>

using handgrad::Tensor;
using handgrad::zeros;

// The sum is exp(largest) times a sum of numbers from 0 to 1, at least one of
// which is 1. So no exponential overflows, and no logarithm of 0 is computed.
inline Tensor<double> log_sum_exp(const Tensor<double>& z) {
    Tensor<double> result = zeros<double>({z.shape(0)});
    for (std::size_t n = 0; n < z.shape(0); ++n) {
        double largest = z(n, 0), sum = 0;
        for (std::size_t k = 1; k < z.shape(1); ++k) {
            largest = std::max(largest, z(n, k));
        }
        for (std::size_t k = 0; k < z.shape(1); ++k) {
            sum += std::exp(z(n, k) - largest);
        }
        result(n) = largest + std::log(sum);
    }
    return result;
}
