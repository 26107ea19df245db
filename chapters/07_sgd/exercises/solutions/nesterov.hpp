#pragma once
// Exercise 07.5: Nesterov's momentum, with weight decay.

#include <handgrad/tensor/tensor.hpp>

using handgrad::Tensor;

// The penalty adds lambda * w to the gradient. The velocity of the next step
// would be beta v + gradient, with the new v.
inline void nesterov_step(Tensor<double>& w, Tensor<double>& v,
                          const Tensor<double>& dw, double lr, double beta,
                          double lambda) {
    for (std::size_t i = 0; i < w.size(); ++i) {
        const double gradient = dw.data()[i] + lambda * w.data()[i];
        v.data()[i] = beta * v.data()[i] + gradient;
        w.data()[i] -= lr * (beta * v.data()[i] + gradient);
    }
}
