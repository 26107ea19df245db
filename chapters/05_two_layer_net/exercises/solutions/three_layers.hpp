#pragma once
// Exercise 05.6: a third layer, backward.

#include <net.hpp> // the net, and its forward pass

using handgrad::Labels;
using handgrad::Tensor;

// Each step takes the gradient of its output and returns that of its input.
// ReLU needs its input z1, tanh its output o2.
inline ThreeLayers<double> backward(const ThreeLayers<double>& net,
                                    const Steps<double>& s,
                                    const Tensor<double>& x, const Labels& y) {
    namespace ops = handgrad::reference;
    const auto dz3 = ops::cross_entropy_backward(s.p, y);
    const auto third = ops::linear_backward(s.o2, net.w3, dz3); // .dx is do2
    const auto dz2 = ops::tanh_backward(s.o2, third.dx);
    const auto second = ops::linear_backward(s.o1, net.w2, dz2); // .dx is do1
    const auto dz1 = ops::relu_backward(s.z1, second.dx);
    const auto first = ops::linear_backward(x, net.w1, dz1);
    return {first.dw, first.db, second.dw, second.db, third.dw, third.db};
}
