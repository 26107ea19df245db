#pragma once
// Exercise 07.4: SGD with momentum.

#include <handgrad/tensor.hpp>

// The new velocity moves the parameter, in the same step.
inline void momentum_step(handgrad::Tensor<double>& p, handgrad::Tensor<double>& v, const handgrad::Tensor<double>& g,
                          double lr, double mu) {
    for (std::size_t i = 0; i < p.size(); ++i) {
        v.data()[i] = mu * v.data()[i] + g.data()[i];
        p.data()[i] -= lr * v.data()[i];
    }
}
