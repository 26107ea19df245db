#pragma once
// Exercise 07.4: SGD with momentum and dampening.

#include <handgrad/tensor/tensor.hpp>

using handgrad::Tensor;

// The new velocity moves the parameter, in the same step.
inline void momentum_step(Tensor<double>& w, Tensor<double>& v,
                          const Tensor<double>& dw, double lr, double beta,
                          double dampening) {
    for (std::size_t i = 0; i < w.size(); ++i) {
        v.data()[i] = beta * v.data()[i] + (1 - dampening) * dw.data()[i];
        w.data()[i] -= lr * v.data()[i];
    }
}
