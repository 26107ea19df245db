#pragma once
// ## Before we train: are the gradients right?
//
// We check by the complex step, as in chapter 08. The plain loops of `Reference` would take minutes
// for all parameters of the full network, so we check a copy with fewer filters, which has the same
// lines of code, on images of full size.

#include <complex>
#include <vector>

#include <handgrad/backends/cpu.hpp>
#include <handgrad/backends/reference.hpp>
#include <handgrad/check/check.hpp>

#include "model.hpp"

// `loss_at` builds the network from a list of parameters and returns the loss of a few images.
template <class T> T loss_at(const CNNSizes& sizes,
                             const std::vector<handgrad::Tensor<T>>& parameters,
                             const handgrad::Tensor<T>& images,
                             const handgrad::Labels& labels) {
    using Backend = handgrad::Reference<T>;
    Random random(0);
    CNN<Backend> model(sizes, random);
    for (std::size_t i = 0; i < parameters.size(); ++i) {
        model.parameters()[i]->value = parameters[i];
    }
    return nn::CrossEntropyLoss<Backend>().forward(model(images), labels);
}

// The analytic gradients come from the backend that is about to train. Every parameter is compared,
// and every pixel of the images, too. No pixel is learned, but its derivative has come through all
// layers.
template <class Backend = handgrad::Cpu<double>> handgrad::check::GradientCheck
check_gradients(const handgrad::Tensor<double>& images,
                const handgrad::Labels& labels) {
    using Complex = std::complex<double>;
    CNNSizes sizes;
    sizes.channels1 = 2;
    sizes.channels2 = 3;
    Random random(1);
    CNN<Backend> model(sizes, random);
    nn::CrossEntropyLoss<Backend> criterion;
    const typename Backend::Tensor input =
        Backend::from_host(images); // to the device, if there is one
    const typename Backend::Labels truth = Backend::from_host(labels);
    model.zero_grad();
    criterion.forward(model(input), truth);
    const handgrad::Tensor<double>& dimages =
        Backend::to_host(model.backward(criterion.backward()));

    const handgrad::Tensor<Complex> x = images;
    std::vector<handgrad::Tensor<Complex>> parameters;
    for (const auto* parameter : model.parameters()) {
        parameters.emplace_back(Backend::to_host(parameter->value));
    }
    handgrad::check::GradientCheck checker;
    const auto named = model.named_parameters();
    for (std::size_t i = 0; i < named.size(); ++i) {
        const auto& [name, parameter] = named[i];
        checker.wrt(name, Backend::to_host(parameter->value),
                    Backend::to_host(parameter->grad),
                    [&, i](const auto& changed) {
                        auto all = parameters;
                        all[i] = changed;
                        return loss_at(sizes, all, x, labels);
                    });
    }
    checker.wrt("images", images, dimages, [&](const auto& changed) {
        return loss_at(sizes, parameters, changed, labels);
    });
    return checker;
}
