#pragma once
// What exercise 14.6 uses. The functions are defined in check.cpp.

#include <handgrad/tensor/tensor.hpp>

using handgrad::Labels;
using handgrad::Tensor;

// A linear softmax classifier without a bias, and the gradient of its weight.
struct Classifier {
    Tensor<double> w;  // (D, K)
    Tensor<double> dw; // (D, K)

    // Returns p = softmax(x w) row by row: x (N, D), p (N, K).
    Tensor<double> forward(const Tensor<double>& x) const;

    // For the loss `weight` times the mean cross-entropy: adds its gradient to
    // dw, as every backward does, and returns dx (N, D). p is forward(x).
    Tensor<double> backward(const Tensor<double>& x, const Tensor<double>& p,
                            const Labels& y, double weight);
};

// The attack of exercise 14.5: x + eps sign(dx), limited to 0 .. 1.
Tensor<double> attack(const Tensor<double>& x, const Tensor<double>& dx,
                      double eps);
