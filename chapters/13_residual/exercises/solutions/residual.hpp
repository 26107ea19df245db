#pragma once
// Exercise 13.4: backward through a residual block.

#include <handgrad/backends/reference.hpp>

using handgrad::Tensor;
namespace ops = handgrad::reference;

struct Block {
    Tensor<double> x, w1, w2;
    Tensor<double> z1, o1, z2;
};

struct BlockGradients {
    Tensor<double> dx, dw1, dw2;
};

inline BlockGradients residual_backward(const Block& s,
                                        const Tensor<double>& dy) {
    const Tensor<double> dz2 = ops::relu_backward(s.z2, dy);
    const auto second = ops::linear_backward(s.o1, s.w2, dz2);
    const Tensor<double> dz1 = ops::relu_backward(s.z1, second.dx);
    const auto first = ops::linear_backward(s.x, s.w1, dz1);
    BlockGradients g;
    g.dx = first.dx + dz2; // x went two ways
    g.dw1 = first.dw;
    g.dw2 = second.dw;
    return g;
}
