#pragma once
// Exercise 07.5: Nesterov's momentum, with weight decay.

#include <handgrad/tensor/tensor.hpp>

using handgrad::Tensor;

// The penalty adds decay * p to the gradient. One step later the velocity would be mu v + g with the new v.
inline void nesterov_step(Tensor<double>& p, Tensor<double>& v, const Tensor<double>& g, double lr,
                          double mu, double decay) {
    for (std::size_t i = 0; i < p.size(); ++i) {
        const double gradient = g.data()[i] + decay * p.data()[i];
        v.data()[i] = mu * v.data()[i] + gradient;
        p.data()[i] -= lr * (mu * v.data()[i] + gradient);
    }
}
