#pragma once
// Exercise 15.6: probabilities at another temperature.

#include <cmath>

#include <handgrad/tensor/tensor.hpp>

using handgrad::Tensor;

// p is exp(z) times a factor, so exp(z / temperature) is a power of p times
// another factor. Dividing by the sum removes the factor.
inline Tensor<double> at_temperature(const Tensor<double>& p,
                                     double temperature) {
    Tensor<double> result = p;
    double sum = 0;
    for (double& value : result.storage()) {
        value = std::pow(value, 1 / temperature);
        sum += value;
    }
    for (double& value : result.storage()) { value /= sum; }
    return result;
}
