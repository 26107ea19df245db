#pragma once
// ## How the gradients are proved
//
// Each network is written a second time with the operations of the reference, which compute with
// complex numbers as well. The checker changes one weight after another by a tiny imaginary step
// and compares (chapter 06).

#include <string>
#include <type_traits>
#include <vector>

#include <fmt/format.h>

#include <handgrad/backends/reference.hpp>
#include <handgrad/check/check.hpp>

#include "deep.hpp"
#include "model.hpp"

namespace proof {

namespace ref = handgrad::reference;
namespace check = handgrad::check;
using handgrad::Labels;
using handgrad::Random;
using handgrad::Tensor;

// ### The deep networks
//
// The loss is the sum of the last outputs, each times a fixed random number. Weight `changed` is
// replaced by w.
template <class T> T deep_loss(const deep::Network& net, std::size_t changed,
                               const Tensor<T>& w, const Tensor<double>& dy) {
    Tensor<T> o = check::cast<T>(net.o[0]);
    const Tensor<T> no_bias = handgrad::zeros<T>({o.shape(1)});
    for (std::size_t l = 1; l < net.w.size(); ++l) {
        const Tensor<T> wl = l == changed ? w : check::cast<T>(net.w[l]);
        const Tensor<T> z = ref::linear_forward(o, wl, no_bias);
        o = net.activation == Activation::tanh ? ref::tanh_forward(z)
                                               : ref::relu_forward(z);
    }
    return check::weighted_sum(o, dy);
}

// Sixteen units in each of 20 layers, three examples; the first, the tenth and the last weight. Fewer
// units would not do: with five and ReLU it happens that all units of a layer are 0. Then all
// gradients are 0, and the comparison of zeros with zeros proves nothing.
inline check::GradientCheck of_deep_networks() {
    check::GradientCheck checker;
    for (const Activation activation : {Activation::tanh, Activation::relu}) {
        const bool is_tanh = activation == Activation::tanh;
        Random random(1);
        deep::Network net = deep::make(activation, is_tanh ? 1 : std::sqrt(2.0),
                                       20, 16, random);
        Tensor<double> x(handgrad::Shape{3, 16}), dy = x;
        handgrad::normal_(x, 0, 1, random);
        handgrad::normal_(dy, 0, 1, random);
        deep::forward(net, x);
        deep::backward(net, dy);
        for (const std::size_t l : {1, 10, 20}) {
            checker.wrt(fmt::format("w_{} ({})", l, is_tanh ? "tanh" : "relu"),
                        net.w[l], net.dw[l], [&net, &dy, l](const auto& w) {
                            return deep_loss(net, l, w, dy);
                        });
        }
    }
    return checker;
}

// ### The network for names
template <class T> T names_loss(const Labels& tokens, const Labels& targets,
                                const std::vector<Tensor<T>>& p) {
    Tensor<T> x = ref::embedding_forward(p[0], tokens);
    x.reshape({tokens.shape(0), p[1].shape(0)});
    const Tensor<T> o1 = ref::tanh_forward(ref::linear_forward(x, p[1], p[2]));
    return ref::cross_entropy_forward(ref::linear_forward(o1, p[3], p[4]),
                                      targets);
}

// Five letters, rows of two numbers, four hidden units. Letter 3 occurs in several places of
// several examples, so its row of the embedding's gradient is a sum; letter 2 and letter 4 do not
// occur, and their rows are 0.
inline check::GradientCheck of_names_network() {
    Random random(1);
    NamesNet net({5, 3, 2, 4}, random);
    const Labels tokens{{0, 0, 0}, {0, 0, 3}, {0, 3, 1}, {3, 1, 3}};
    const Labels targets{3, 1, 3, 0};
    nn::CrossEntropyLoss<Backend> criterion;
    net.zero_grad();
    criterion.forward(net.forward(tokens), targets);
    net.backward(criterion.backward());
    check::GradientCheck checker;
    const auto parameters = net.named_parameters();
    for (std::size_t i = 0; i < parameters.size(); ++i) {
        const auto* parameter = parameters[i].second;
        checker.wrt(parameters[i].first, parameter->value, parameter->grad,
                    [&net, &tokens, &targets, i](const auto& changed) {
                        std::vector<std::decay_t<decltype(changed)>> all;
                        for (const auto* p : net.parameters()) {
                            all.push_back(check::cast_like(changed, p->value));
                        }
                        all[i] = changed;
                        return names_loss(tokens, targets, all);
                    });
    }
    return checker;
}

} // namespace proof
