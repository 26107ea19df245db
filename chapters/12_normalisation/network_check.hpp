#pragma once
// ## All layers in one check
//
// A small net with a batch normalisation, a layer normalisation and a dropout, all in training mode,
// is checked by the complex step. Two things are different from the checks of earlier chapters.
//
// 1. The loss is computed anew for each perturbed number, and each time the mask has to be the same.
//    With a mask from a counter this is simple: each copy of the net starts at step 0.
// 2. The bias in front of the batch normalisation must have the gradient 0, since the mean that is
//    subtracted contains it. The check is told to expect zero there.

#include <complex>
#include <cstdint>
#include <string>
#include <vector>

#include <fmt/format.h>

#include <handgrad/backends/cpu.hpp>
#include <handgrad/backends/reference.hpp>
#include <handgrad/check/check.hpp>
#include <handgrad/nn/nn.hpp>
#include <handgrad/tensor/random.hpp>

namespace network_check {

namespace check = handgrad::check;
namespace nn = handgrad::nn;
using handgrad::Labels;
using handgrad::Tensor;

template <class B> void add_layers(nn::Sequential<B>& net, std::uint64_t seed) {
    handgrad::Random random(seed);
    net.template add<nn::Linear<B>>(7, 4, random);
    net.template add<nn::BatchNorm1d<B>>(4);
    net.template add<nn::Sigmoid<B>>();
    net.template add<nn::Linear<B>>(4, 5, random);
    net.template add<nn::LayerNorm<B>>(5);
    net.template add<nn::Sigmoid<B>>();
    net.template add<nn::Dropout<B>>(0.5, seed);
    net.template add<nn::Linear<B>>(5, 3, random);
}

template <class T> T loss_at(const std::vector<Tensor<T>>& parameters,
                             const Tensor<T>& x, const Labels& y,
                             std::uint64_t seed) {
    nn::Sequential<handgrad::Reference<T>> net;
    add_layers(net, seed);
    for (std::size_t i = 0; i < parameters.size(); ++i) {
        net.parameters()[i]->value = parameters[i];
    }
    return nn::CrossEntropyLoss<handgrad::Reference<T>>().forward(net(x), y);
}

// The analytic gradients come from the fast backend.
inline void run(std::uint64_t seed) {
    using Fast = handgrad::Cpu<double>;
    using Complex = std::complex<double>;
    nn::Sequential<Fast> net;
    add_layers(net, seed);
    handgrad::Random random(seed, 1);
    Tensor<double> x(handgrad::Shape{6, 7});
    handgrad::normal_(x, 0, 1, random);
    const Labels y{0, 1, 2, 2, 1, 0};
    nn::CrossEntropyLoss<Fast> criterion;
    net.zero_grad();
    criterion.forward(net(x), y);
    const Tensor<double> dx = net.backward(criterion.backward());

    std::vector<Tensor<Complex>> parameters;
    for (const auto* p : net.parameters()) {
        parameters.emplace_back(check::cast<Complex>(p->value));
    }
    check::GradientCheck checker;
    const auto named = net.named_parameters();
    for (std::size_t i = 0; i < named.size(); ++i) {
        const auto& [name, parameter] = named[i];
        const auto loss = [&, i](const auto& changed) {
            auto all = parameters;
            all[i] = changed;
            return loss_at(all, check::cast<Complex>(x), y, seed);
        };
        checker.wrt(name, parameter->value, parameter->grad, loss,
                    name == "0.bias" ? check::Expect::zero
                                     : check::Expect::nonzero);
    }
    checker.wrt("x", x, dx, [&](const auto& changed) {
        return loss_at(parameters, changed, y, seed);
    });
    fmt::print("\nA net with BatchNorm, LayerNorm and Dropout in training "
               "mode\n{}",
               check::table(checker));
    check::require_passed(checker);
}

// @output to "dx "
//
// The line of `0.bias` is the bias in front of the batch normalisation.

} // namespace network_check
