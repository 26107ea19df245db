#pragma once
// Exercise 07.4: SGD with momentum.

#include <handgrad/tensor/tensor.hpp>

using handgrad::Tensor;

// One step: the parameter p and its velocity v are changed in place, g is the gradient; all of one shape. v is all zeros
// before the first step.
//
//     v <- mu v + g
//     p <- p - lr v
inline void momentum_step(Tensor<double>& p, Tensor<double>& v, const Tensor<double>& g, double lr,
                          double mu) {
    // Your code goes here.
}
