#pragma once
// Exercise 05.6: a third layer, backward.
// Background: chapter 05, the section about backward.

#include "net.hpp" // the net, and its forward pass

using handgrad::Labels;
using handgrad::Tensor;

// Returns the gradients of the loss that `forward` in net.hpp computes, in the
// same struct as the parameters: g.w1 is dw1, of the shape of w1, and so on.
// `s` is what forward returned for this net and the examples x (N, D) of the
// classes y (N).
//
// You may use these operations of handgrad::reference:
// cross_entropy_backward(p, y); linear_backward(x, w, dy) with its parts .dx,
// .dw and .db; relu_backward(x, dy); tanh_backward(y, dy).
inline ThreeLayers<double> backward(const ThreeLayers<double>& net,
                                    const Steps<double>& s,
                                    const Tensor<double>& x, const Labels& y) {
    ThreeLayers<double> g = net; // the right shapes, but the wrong numbers
    // Your code goes here.
    return g;
}
