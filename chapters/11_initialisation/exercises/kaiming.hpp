#pragma once
// Exercise 11.4: Kaiming's start for a leaky ReLU.
// Background: chapter 11, the section about the activation, and exercise 11.2.

#include <cmath>

#include <handgrad/tensor/tensor.hpp>

using handgrad::Tensor;

// Returns the first weight of a linear layer that is followed by a leaky ReLU:
//
//     o = z for z > 0, and o = alpha z otherwise.
//
// `normal`, of shape (D_in, D_out), holds standard normal numbers. Multiply
// them so that the mean square of the outputs o is that of the inputs x: find
// E[o^2] in terms of E[z^2] first, then E[z^2] in terms of E[x^2].
inline Tensor<double> kaiming_weight(const Tensor<double>& normal,
                                     double alpha) {
    // Your code goes here.
    return handgrad::zeros<double>(normal.shape());
}
