#pragma once
// Exercise 13.5: AdamW, with parameters that do not decay.
// Background: chapter 13, and the book's page "Adam and AdamW"
// (lib/handgrad/ops/adam/adam.md).

#include <cmath>

#include <handgrad/tensor/tensor.hpp>

using handgrad::Tensor;

// Whether a parameter is a weight of a layer, or a bias or a parameter of a
// normalisation.
enum class Kind { weight, bias };

// One step of torch.optim.AdamW, whose weight decay lambda is for weights
// alone. Adam's two running means, with beta1 = 0.9, beta2 = 0.999 and
// eps = 1e-8, are those of exercise 07.6:
//
//     mean   <- beta1 mean + (1 - beta1) dw
//     square <- beta2 square + (1 - beta2) dw^2
//     step of Adam: lr (mean / (1 - beta1^t))
//                      / (sqrt(square / (1 - beta2^t)) + eps)
//
// The decay is not part of the gradient and does not go through the means. It
// shrinks the value that w has before the step by the share lr lambda. w, mean
// and square are changed in place; both means are zero before step t = 1.
inline void adamw_step(Tensor<double>& w, Tensor<double>& mean,
                       Tensor<double>& square, const Tensor<double>& dw,
                       double lr, double lambda, Kind kind, int t) {
    // Your code goes here.
}
