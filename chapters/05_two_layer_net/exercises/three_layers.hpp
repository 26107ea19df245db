#pragma once
// Exercise 05.6: a third layer, backward.

#include "net.hpp" // the net, and its forward pass

using handgrad::Labels;
using handgrad::Tensor;

// The gradients of the loss that `forward` in net.hpp computes, in the same struct as the parameters: g.w1 is dw1, of
// the shape of w1, and so on. `s` is what forward returned for this net and the points x (N, D) of the classes y (N).
//
// Take your time for the order. You may use handgrad::reference: cross_entropy_backward(p, y),
// linear_backward(x, w, dy) with its parts .dx .dw .db, relu_backward(x, dy), tanh_backward(y, dy).
inline ThreeLayers<double> backward(const ThreeLayers<double>& net, const Steps<double>& s,
                                    const Tensor<double>& x, const Labels& y) {
    ThreeLayers<double> g = net; // the right shapes, with the wrong numbers in them
    // Your code goes here.
    return g;
}
