#pragma once
// ## Before we train: are the gradients right?
//
// As in chapter 09 we check a small copy by the complex step: C = 2 channels, three images of
// 8 x 8 pixels. It has all the parts of the large network: convolutions with strides 1 and 2 and
// kernels of 3 x 3 and 1 x 1, normalisations in training mode, sums with and without a convolution
// in the shortcut, and the mean over all places.
#include <complex>
#include <cstdint>
#include <vector>

#include <handgrad/backends/reference.hpp>
#include <handgrad/check/check.hpp>

#include "model.hpp"

template <class T> T loss_at(const ResNetSizes& sizes,
                             const std::vector<handgrad::Tensor<T>>& parameters,
                             const handgrad::Tensor<T>& images,
                             const handgrad::Labels& labels) {
    using Backend = handgrad::Reference<T>;
    Random random(0);
    ResNet<Backend> model(sizes, random);
    for (std::size_t i = 0; i < parameters.size(); ++i) {
        model.parameters()[i]->value = parameters[i];
    }
    return nn::CrossEntropyLoss<Backend>().forward(model(images), labels);
}

// The analytic gradients come from the backend that is about to train. A fresh normalisation has the
// weight 1 and the bias 0, for which some mistakes cannot be seen, so the check moves all parameters
// to random values first.
template <class Backend> handgrad::check::GradientCheck check_gradients() {
    using Complex = std::complex<double>;
    const ResNetSizes sizes{2, 4};
    Random random(1);
    ResNet<Backend> model(sizes, random);
    std::vector<handgrad::Tensor<double>> values;
    for (auto* parameter : model.parameters()) {
        handgrad::Tensor<double> value = Backend::to_host(parameter->value);
        for (double& number : value) { number += random.uniform(-0.2, 0.2); }
        parameter->value = Backend::from_host(value);
        values.push_back(value);
    }
    auto images = handgrad::zeros<double>({3, 1, 8, 8});
    for (double& pixel : images) { pixel = random.uniform(-1, 1); }
    const handgrad::Labels labels = {0, 3, 1};

    nn::CrossEntropyLoss<Backend> criterion;
    const typename Backend::Tensor input = Backend::from_host(images);
    const typename Backend::Labels truth = Backend::from_host(labels);
    model.zero_grad();
    criterion.forward(model(input), truth);
    const handgrad::Tensor<double> dimages =
        Backend::to_host(model.backward(criterion.backward()));

    const handgrad::Tensor<Complex> x = images;
    const std::vector<handgrad::Tensor<Complex>> parameters(values.begin(),
                                                            values.end());
    handgrad::check::GradientCheck checker;
    const auto named = model.named_parameters();
    for (std::size_t i = 0; i < named.size(); ++i) {
        const auto& [name, parameter] = named[i];
        checker.wrt(name, values[i], Backend::to_host(parameter->grad),
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
