#pragma once
// Exercise 07.6: Adam.

#include <cmath>

#include <handgrad/tensor/tensor.hpp>

using handgrad::Tensor;

// Adam keeps two running means for every parameter, of the gradient and of its square, and divides one by the root of
// the other, so that each parameter gets steps of about the size lr whatever the size of its gradient. For every entry,
// with t = 1 in the first step, beta1 = 0.9, beta2 = 0.999 and eps = 1e-8,
//
//     m <- beta1 m + (1 - beta1) g
//     s <- beta2 s + (1 - beta2) g^2
//     p <- p - lr * (m / (1 - beta1^t)) / (sqrt(s / (1 - beta2^t)) + eps)
//
// The divisors 1 - beta^t make up for means that started at zero. p, m and s are changed in place; m and s are all zeros
// before the first step. This is torch.optim.Adam.
// Source: D. Kingma and J. Ba, Adam: a method for stochastic optimization, arXiv:1412.6980 (2014).
inline void adam_step(Tensor<double>& p, Tensor<double>& m, Tensor<double>& s,
                      const Tensor<double>& g, double lr, int t) {
    // Your code goes here.
}
