#pragma once
// Exercise 06.6: find the bugs. There are two.
// Background: chapter 06, the section about planted bugs, and the book's page
// "Activations" (lib/handgrad/ops/activation/activation.md).

#include <handgrad/backends/reference.hpp>

using handgrad::Tensor;
using handgrad::zeros;

struct ResidualGradients {
    Tensor<double> dx; // (N, D)
    Tensor<double> dw; // (D, D)
    Tensor<double> db; // (D)
};

// A residual block adds the output of a layer to the layer's input. Forward,
// for x and y of shape (N, D),
//
//     z = x w + b,    o = tanh(z),    y = x + o
//
// The backward pass below was written in a hurry: given dy, the gradient of the
// loss with respect to y, it returns those with respect to x, w and b.
inline ResidualGradients residual_backward(const Tensor<double>& x,
                                           const Tensor<double>& w,
                                           const Tensor<double>& b,
                                           const Tensor<double>& dy) {
    namespace ops = handgrad::reference;
    const Tensor<double> z = ops::linear_forward(x, w, b);
    Tensor<double> dz = zeros<double>(z.shape());
    for (std::size_t i = 0; i < z.size(); ++i) {
        dz.data()[i] = dy.data()[i] * (1 - z.data()[i] * z.data()[i]);
    }
    const auto layer = ops::linear_backward(x, w, dz);
    return {layer.dx, layer.dw, layer.db};
}
