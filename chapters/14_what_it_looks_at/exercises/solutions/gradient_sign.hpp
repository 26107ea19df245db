#pragma once
// Exercise 14.5: the fast gradient sign method, and an attack with a target.

#include <algorithm>

#include <handgrad/tensor/tensor.hpp>

using handgrad::Tensor;
using handgrad::zeros;

// Towards larger loss, with the signs of each image's own gradient.
inline Tensor<double> fast_gradient_sign(const Tensor<double>& x,
                                         const Tensor<double>& dx, double eps) {
    Tensor<double> attacked = zeros<double>(x.shape());
    for (std::size_t i = 0; i < x.size(); ++i) {
        const double d = dx.data()[i];
        const int sign = (d > 0) - (d < 0);
        attacked.data()[i] = std::clamp(x.data()[i] + eps * sign, 0.0, 1.0);
    }
    return attacked;
}

// The attacker wants the loss of the wanted class to become small, so the step
// goes the other way.
inline Tensor<double> targeted_gradient_sign(const Tensor<double>& x,
                                             const Tensor<double>& dx,
                                             double eps) {
    return fast_gradient_sign(x, dx, -eps);
}
