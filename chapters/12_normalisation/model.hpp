#pragma once
// ## A deep net
//
// The network is a row of linear layers with a sigmoid after each, all of the same width, and a
// last linear layer for the ten classes. Between a linear layer and its sigmoid stands nothing, a
// batch normalisation or a layer normalisation.
//
// We compute in double. In float two processors that round differently would print different
// losses after a few hundred steps; in double the difference stays far below the digits that we
// print.

#include <cstddef>

#include <handgrad/backends/cpu.hpp>
#include <handgrad/nn/nn.hpp>

namespace nn = handgrad::nn;

using Backend = handgrad::Cpu<double>;
using Network = nn::Sequential<Backend>;

enum class Norm { none, batch, layer };

// PyTorch's default weights are small for a sigmoid. With `xavier` the layers start from Xavier's
// normal weights instead.
struct Architecture {
    std::size_t depth, width; // hidden layers, and units in each
    Norm norm;
    bool xavier = false;
};

inline void add_layers(Network& net, const Architecture& a,
                       handgrad::Random& random) {
    net.add<nn::Flatten<Backend>>(); // (N, 1, 28, 28) -> (N, 784)
    std::size_t inputs = 28 * 28;
    for (std::size_t l = 0; l < a.depth; ++l) {
        auto& linear = net.add<nn::Linear<Backend>>(inputs, a.width, random);
        if (a.xavier) { nn::xavier_normal_(linear.weight, random); }
        if (a.norm == Norm::batch) {
            net.add<nn::BatchNorm1d<Backend>>(a.width);
        }
        if (a.norm == Norm::layer) { net.add<nn::LayerNorm<Backend>>(a.width); }
        net.add<nn::Sigmoid<Backend>>();
        inputs = a.width;
    }
    net.add<nn::Linear<Backend>>(inputs, 10, random);
}
