#pragma once
// Exercise 14.6: the gradient of the weight in adversarial training.

#include "classifier.hpp" // forward, backward, attack

// The backward pass that finds dx also adds the first half to dw. x' is then
// data like any other: the signs do not change with the weights.
inline void adversarial_gradient(Classifier& classifier,
                                 const Tensor<double>& x, const Labels& y,
                                 double eps) {
    classifier.dw.fill(0);
    const Tensor<double> p = classifier.forward(x);
    const Tensor<double> dx = classifier.backward(x, p, y, 0.5);
    const Tensor<double> attacked = attack(x, dx, eps);
    const Tensor<double> q = classifier.forward(attacked);
    classifier.backward(attacked, q, y, 0.5);
}
