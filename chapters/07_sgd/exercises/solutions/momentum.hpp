#pragma once
// Exercise 07.4: SGD with momentum.

#include <handgrad/tensor/tensor.hpp>

using handgrad::Tensor;

// The new velocity moves the parameter, in the same step.
inline void momentum_step(Tensor<double>& p, Tensor<double>& v, const Tensor<double>& g, double lr,
                          double mu) {
    for (std::size_t i = 0; i < p.size(); ++i) {
        v.data()[i] = mu * v.data()[i] + g.data()[i];
        p.data()[i] -= lr * v.data()[i];
    }
}
