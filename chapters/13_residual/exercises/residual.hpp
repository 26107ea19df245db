#pragma once
// Exercise 13.4: backward through a residual block.
// Background: chapter 13, and the book's page "Addition"
// (lib/handgrad/ops/add/add.md).

#include <handgrad/backends/reference.hpp>

using handgrad::Tensor;
namespace ops = handgrad::reference;

// The block's forward pass, for N examples with D features and M hidden units:
//
//     z1 = x w1             (N, M)    x (N, D), w1 (D, M)
//     o1 = relu(z1)         (N, M)
//     z2 = o1 w2 + x        (N, D)    w2 (M, D)
//     y  = relu(z2)         (N, D)
//
// It has no biases and no normalisation, and the shortcut has no parameters.
struct Block {
    Tensor<double> x, w1, w2;  // the arguments of forward
    Tensor<double> z1, o1, z2; // what forward computed from them
};

// The gradients of x, w1 and w2, each of the shape of its tensor.
struct BlockGradients {
    Tensor<double> dx, dw1, dw2;
};

// Returns the gradients, given dy = dL/dy (N, D).
//
// You may use these operations of handgrad::reference: relu_backward(x, dy),
// and linear_backward(x, w, dy) with its parts .dx and .dw.
inline BlockGradients residual_backward(const Block& s,
                                        const Tensor<double>& dy) {
    BlockGradients g;
    g.dx = handgrad::zeros<double>(s.x.shape());
    g.dw1 = handgrad::zeros<double>(s.w1.shape());
    g.dw2 = handgrad::zeros<double>(s.w2.shape());
    // Your code goes here.
    return g;
}
