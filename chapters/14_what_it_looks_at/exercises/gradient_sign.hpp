#pragma once
// Exercise 14.5: the fast gradient sign method, and an attack with a target.
// Background: the introduction of chapter 14.

#include <handgrad/tensor/tensor.hpp>

using handgrad::Tensor;
using handgrad::zeros;

// x holds N images of D pixels, (N, D), each from 0 to 1. dx, of the same
// shape, is the gradient of the loss for the true classes.
//
// Returns the attacked images: every pixel moves by eps in the direction in
// which the loss rises. A pixel whose gradient is exactly 0 stays where it is.
// The result must be images again, with pixels from 0 to 1.
inline Tensor<double> fast_gradient_sign(const Tensor<double>& x,
                                         const Tensor<double>& dx, double eps) {
    Tensor<double> attacked = zeros<double>(x.shape());
    // Your code goes here.
    return attacked;
}

// The same for an attacker who wants a certain answer: here dx is the gradient
// of the loss that the network would have if the class that the attacker wants
// were the true one.
inline Tensor<double> targeted_gradient_sign(const Tensor<double>& x,
                                             const Tensor<double>& dx,
                                             double eps) {
    Tensor<double> attacked = zeros<double>(x.shape());
    // Your code goes here.
    return attacked;
}
