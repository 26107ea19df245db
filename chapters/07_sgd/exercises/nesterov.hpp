#pragma once
// Exercise 07.5: Nesterov's momentum, with weight decay.
// Background: chapter 07, the section about momentum, and the book's page
// "Stochastic gradient descent" (lib/handgrad/ops/sgd/sgd.md).

#include <handgrad/tensor/tensor.hpp>

using handgrad::Tensor;

// As torch.optim.SGD(nesterov=True, weight_decay=lambda), without dampening:
// - weight decay: everywhere below, the gradient is that of the loss with the
//   penalty lambda/2 * sum of w_i^2;
// - the velocity is updated with this gradient: beta times the old velocity
//   plus the gradient;
// - w does not move along the new velocity, but along the velocity that the
//   next step would have if the gradient stayed the same.
//
// w and v are changed in place; v is zero before the first step.
inline void nesterov_step(Tensor<double>& w, Tensor<double>& v,
                          const Tensor<double>& dw, double lr, double beta,
                          double lambda) {
    // Your code goes here.
}
