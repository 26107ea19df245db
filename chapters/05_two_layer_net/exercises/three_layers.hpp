#pragma once
// Exercise 05.6: a third layer, backward.

#include "net.hpp" // the net, and its forward pass

// The gradients of the loss that `forward` in net.hpp computes, in the same struct as the parameters: g.w1 is dw1, of
// the shape of w1, and so on. `s` is what forward returned for this net and the points x (N, D) of the classes y (N).
//
// Take your time for the order. You may use handgrad::reference: cross_entropy_backward(p, y),
// linear_backward(x, w, dy) with its parts .dx .dw .db, relu_backward(x, dy), tanh_backward(y, dy).
inline ThreeLayers<double> backward(const ThreeLayers<double>& net, const Steps<double>& s,
                                    const handgrad::Tensor<double>& x, const handgrad::Labels& y) {
    ThreeLayers<double> g;
    for (const auto& [gradient, parameter] :
         {std::pair{&g.w1, &net.w1}, std::pair{&g.b1, &net.b1}, std::pair{&g.w2, &net.w2}, std::pair{&g.b2, &net.b2},
          std::pair{&g.w3, &net.w3}, std::pair{&g.b3, &net.b3}}) {
        *gradient = handgrad::zeros<double>(parameter->shape());
    }
    // Your code goes here. The loop above is there only to give every gradient its shape.
    return g;
}
