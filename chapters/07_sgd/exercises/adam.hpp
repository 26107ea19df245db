#pragma once
// Exercise 07.6: Adam.
// Background: chapter 07, the section about momentum. Source of the formulas:
// D. Kingma and J. Ba, Adam: a method for stochastic optimization,
// arXiv:1412.6980 (2014).

#include <cmath>

#include <handgrad/tensor/tensor.hpp>

using handgrad::Tensor;

// Adam keeps two running means for every parameter, that of its gradient and
// that of the square of its gradient. It divides the first by the root of the
// second, so that the steps of each parameter have about the length lr, however
// large its gradient is. For every entry, with t = 1 in the first step,
// beta1 = 0.9, beta2 = 0.999 and eps = 1e-8,
//
//     mean   <- beta1 mean + (1 - beta1) dw
//     square <- beta2 square + (1 - beta2) dw^2
//     w      <- w - lr (mean / (1 - beta1^t))
//                   / (sqrt(square / (1 - beta2^t)) + eps)
//
// The divisors 1 - beta^t correct the means for their start at zero. w, mean
// and square are changed in place; mean and square are zero before the first
// step. This is torch.optim.Adam.
inline void adam_step(Tensor<double>& w, Tensor<double>& mean,
                      Tensor<double>& square, const Tensor<double>& dw,
                      double lr, int t) {
    // Your code goes here.
}
