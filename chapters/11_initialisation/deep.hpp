#pragma once
// ## A network of 20 layers
//
// For the experiment we want to look inside, so we call the operations ourselves. Every layer is as
// wide as the input, and there are no biases: $z_l = o_{l-1} w_l$ and $o_l = f(z_l)$, with
// $o_0 = x$.

#include <cmath>
#include <vector>

#include <handgrad/backends/cpu.hpp>
#include <handgrad/nn/init.hpp>
#include <handgrad/tensor/random.hpp>

#include "theory.hpp"

namespace deep {

using Backend = handgrad::Cpu<double>;
using handgrad::Tensor;

struct Network {
    Activation activation;
    std::vector<Tensor<double>> w; // w[l] of layer l = 1, 2, ...; w[0] is empty
    std::vector<Tensor<double>> z, o; // o[0] is the input
    std::vector<Tensor<double>> dz, dw;
};

// The weights of every layer come from `xavier_normal_`. It draws normal numbers of standard
// deviation $\text{gain} \sqrt{2 / (D + M)}$, which is $\text{gain} / \sqrt M$ for layers with as
// many inputs as outputs.
inline Network make(Activation activation, double gain, std::size_t layers,
                    std::size_t width, handgrad::Random& random) {
    Network net{activation, {{}}, {}, {}, {}, {}};
    for (std::size_t l = 1; l <= layers; ++l) {
        Tensor<double> w(handgrad::Shape{width, width});
        handgrad::nn::xavier_normal_(w, random, gain);
        net.w.push_back(w);
    }
    return net;
}

inline void forward(Network& net, const Tensor<double>& x) {
    const std::size_t layers = net.w.size() - 1, width = x.shape(1);
    const auto no_bias = handgrad::zeros<double>({width});
    net.z.assign(layers + 1, {});
    net.o.assign(layers + 1, {});
    net.o[0] = x;
    for (std::size_t l = 1; l <= layers; ++l) {
        net.z[l] = Backend::linear_forward(net.o[l - 1], net.w[l], no_bias);
        net.o[l] = net.activation == Activation::tanh
                       ? Backend::tanh_forward(net.z[l])
                       : Backend::relu_forward(net.z[l]);
    }
}

// Backward from the gradient of the last outputs: for each layer the activation, then the weights,
// then the inputs, which are the outputs of the layer before.
inline void backward(Network& net, Tensor<double> upstream) {
    const std::size_t layers = net.w.size() - 1;
    net.dz.assign(layers + 1, {});
    net.dw.assign(layers + 1, {});
    for (std::size_t l = layers; l >= 1; --l) {
        net.dz[l] = net.activation == Activation::tanh
                        ? Backend::tanh_backward(net.o[l], upstream)
                        : Backend::relu_backward(net.z[l], upstream);
        Backend::linear_backward_weight(net.o[l - 1], net.dz[l], net.dw[l]);
        Backend::linear_backward_input(net.dz[l], net.w[l], upstream);
    }
}

// ### Measured
//
// The size of a tensor, the root of the mean square of its entries.
inline double size_of(const Tensor<double>& t) {
    double sum = 0;
    for (const double value : t) { sum += value * value; }
    return std::sqrt(sum / static_cast<double>(t.size()));
}

// The share of saturated outputs of a tanh layer, or of units of a ReLU layer that are 0 for all
// examples.
inline double unusable_share(Activation activation, const Tensor<double>& o) {
    std::size_t count = 0;
    if (activation == Activation::tanh) {
        for (const double value : o) {
            if (std::abs(value) > saturated_from) { ++count; }
        }
        return static_cast<double>(count) / static_cast<double>(o.size());
    }
    for (std::size_t j = 0; j < o.shape(1); ++j) {
        bool dead = true;
        for (std::size_t n = 0; n < o.shape(0); ++n) {
            dead = dead && o(n, j) == 0;
        }
        if (dead) { ++count; }
    }
    return static_cast<double>(count) / static_cast<double>(o.shape(1));
}

inline std::vector<Sizes> measure(const Network& net) {
    std::vector<Sizes> sizes(net.w.size());
    for (std::size_t l = 1; l < net.w.size(); ++l) {
        sizes[l] = {size_of(net.o[l]), size_of(net.dz[l]), size_of(net.dw[l]),
                    unusable_share(net.activation, net.o[l])};
    }
    return sizes;
}

// A histogram: the share of the values in each of `bins` equal parts of the range from `low` to
// `high`. Values outside are counted in the first or the last part.
inline std::vector<double> histogram(const Tensor<double>& values, double low,
                                     double high, std::size_t bins,
                                     bool logarithm = false) {
    std::vector<double> share(bins);
    const double each = 1 / static_cast<double>(values.size());
    for (const double value : values) {
        if (logarithm && value == 0) { continue; }
        const double v = logarithm ? std::log10(std::abs(value)) : value;
        const double at = (v - low) / (high - low) * static_cast<double>(bins);
        const double last = static_cast<double>(bins - 1);
        share[static_cast<std::size_t>(std::fmin(std::fmax(at, 0), last))] +=
            each;
    }
    return share;
}

} // namespace deep
