#pragma once
// ## Are the gradients right?
//
// An attack with a wrong gradient still does some harm, and a picture of it still looks like
// something. So we check, by the complex step (chapter 06), the networks *after* training: with
// their weights in double, we change one pixel after another by an imaginary $10^{-20}$.

#include <algorithm>
#include <complex>
#include <cstddef>
#include <memory>
#include <string>

#include <handgrad/backends/cpu.hpp>
#include <handgrad/backends/reference.hpp>
#include <handgrad/check/check.hpp>

#include "adversarial.hpp"
#include "attack.hpp"

// Returns a network of the same kind and sizes on another backend, with the same weights.
template <class To, class From> std::unique_ptr<Network<To>>
copy_network(Kind kind, const Network<From>& network, const Sizes& sizes = {}) {
    Random random(0);
    auto copy = make_network<To>(kind, random, sizes);
    const auto to = copy->parameters();
    const auto from = network.parameters();
    for (std::size_t i = 0; i < to.size(); ++i) {
        to[i]->value = from[i]->value;
    }
    return copy;
}

// The square of `side` x `side` pixels in the middle of one image. The pixels of the corners are
// black in every digit, and the plain loops of `Reference` take their time for each pixel.
template <class T> Tensor<T> middle(const Tensor<T>& image, std::size_t side) {
    const std::size_t margin = (28 - side) / 2;
    Tensor<T> square(handgrad::Shape{side, side});
    for (std::size_t h = 0; h < side; ++h) {
        std::copy_n(&image(0, 0, margin + h, margin), side, &square(h, 0));
    }
    return square;
}

template <class T>
Tensor<T> with_middle(Tensor<T> image, const Tensor<T>& square) {
    const std::size_t side = square.shape(0), margin = (28 - side) / 2;
    for (std::size_t h = 0; h < side; ++h) {
        std::copy_n(&square(h, 0), side, &image(0, 0, margin + h, margin));
    }
    return image;
}

// $dx$ comes from the fast backend that also makes the attack, here in double.
template <class Backend>
void check_pixels(handgrad::check::GradientCheck& checker, Kind kind,
                  const std::string& name, const Network<Backend>& network,
                  const Tensor<double>& image, const Labels& label,
                  std::size_t side) {
    using Complex = std::complex<double>;
    using Exact = handgrad::Reference<Complex>;
    const auto fast = copy_network<handgrad::Cpu<double>>(kind, network);
    const auto exact = copy_network<Exact>(kind, network);
    const Tensor<double> dx = input_gradient(*fast, image, label);
    const Tensor<Complex> complex_image = image;
    checker.wrt("x, " + name, middle(image, side), middle(dx, side),
                [&](const auto& square) {
                    const auto x = with_middle(complex_image, square);
                    nn::CrossEntropyLoss<Exact> criterion;
                    return criterion.forward((*exact)(x), label);
                });
}

// The gradient of the adversarial loss contains a gradient: the signs of $dx$. The complex step goes
// through all of it, the backward pass and the signs included. So this check shows that the signs
// may be treated as constants. It takes a CNN with few filters, as in chapter 09.
inline void check_adversarial(handgrad::check::GradientCheck& checker,
                              const Tensor<double>& images,
                              const Labels& labels, double eps) {
    using Complex = std::complex<double>;
    using Fast = handgrad::Cpu<double>;
    using Exact = handgrad::Reference<Complex>;
    const Sizes small{0, 2, 3};
    Random random(1);
    const auto network = make_network<Fast>(Kind::cnn, random, small);
    AdversarialLoss<Fast> loss(eps);
    network->zero_grad();
    loss.forward(*network, images, labels);
    loss.backward(*network);

    const auto exact = copy_network<Exact>(Kind::cnn, *network, small);
    const Tensor<Complex> x = images;
    const auto named = network->named_parameters();
    for (std::size_t i = 0; i < named.size(); ++i) {
        const auto& [name, parameter] = named[i];
        auto& value = exact->parameters()[i]->value;
        const Tensor<Complex> before = value;
        checker.wrt(
            name, parameter->value, parameter->grad, [&](const auto& changed) {
                value = changed;
                return AdversarialLoss<Exact>(eps).forward(*exact, x, labels);
            });
        value = before;
    }
}
