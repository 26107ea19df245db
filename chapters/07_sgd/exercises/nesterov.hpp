#pragma once
// Exercise 07.5: Nesterov's momentum, with weight decay.

#include <handgrad/tensor/tensor.hpp>

using handgrad::Tensor;

// As torch.optim.SGD(nesterov=True, weight_decay=decay). Three things are different from exercise 07.4:
// - weight decay: the gradient that everything else sees is that of the loss with the penalty decay/2 * sum of p_i^2;
// - the velocity is updated with that gradient as before;
// - p does not go along the velocity but along where it will be one step later if the gradient stays what it is.
//
// p and v are changed in place; v is all zeros before the first step.
inline void nesterov_step(Tensor<double>& p, Tensor<double>& v, const Tensor<double>& g, double lr,
                          double mu, double decay) {
    // Your code goes here.
}
