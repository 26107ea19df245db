#pragma once
// Exercise 11.4: Kaiming's start for a leaky ReLU.

#include <cmath>

#include <handgrad/tensor/tensor.hpp>

using handgrad::Tensor;

// E[o^2] = (1 + alpha^2) / 2 E[z^2], and E[z^2] = D_in sigma^2 E[x^2].
inline Tensor<double> kaiming_weight(const Tensor<double>& normal,
                                     double alpha) {
    const double inputs = static_cast<double>(normal.shape(0));
    const double sigma = std::sqrt(2 / ((1 + alpha * alpha) * inputs));
    Tensor<double> w = normal;
    for (double& value : w.storage()) { value *= sigma; }
    return w;
}
