#pragma once
// Exercise 07.4: SGD with momentum and dampening.
// Background: chapter 07, the section about momentum, and the book's page
// "Stochastic gradient descent" (lib/handgrad/ops/sgd/sgd.md).

#include <handgrad/tensor/tensor.hpp>

using handgrad::Tensor;

// One step. It changes the parameter w and its velocity v in place; dw is the
// gradient; all three have the same shape. v is zero before the first step.
//
//     v <- beta v + (1 - dampening) dw
//     w <- w - lr v
//
// Without dampening, the steps become 1/(1 - beta) times larger if the gradient
// stays the same. With dampening = beta the velocity is a running mean of the
// gradients, and the steps keep their length. (torch.optim.SGD has the same
// option, but its first step is not dampened: there v = dw.)
inline void momentum_step(Tensor<double>& w, Tensor<double>& v,
                          const Tensor<double>& dw, double lr, double beta,
                          double dampening) {
    // Your code goes here.
}
