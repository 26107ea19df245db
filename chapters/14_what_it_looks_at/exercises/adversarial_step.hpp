#pragma once
// Exercise 14.6: the gradient of the weight in adversarial training.
// Background: the introduction of chapter 14, and its adversarial.hpp.

#include "classifier.hpp" // forward, backward, attack

// Sets classifier.dw to the gradient of the adversarial loss
//
//     1/2 L(x, y) + 1/2 L(x', y),    x' = attack(x, dx, eps),
//
// whatever dw held before. L is the mean cross-entropy of the classifier, and
// dx is the gradient of L(x, y) with respect to x. x is (N, D) with entries
// from 0 to 1, y (N). Call forward, backward and attack.
inline void adversarial_gradient(Classifier& classifier,
                                 const Tensor<double>& x, const Labels& y,
                                 double eps) {
    // Your code goes here.
}
