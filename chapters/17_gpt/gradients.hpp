#pragma once
// ## Are the gradients right?
//
// The same class, with complex numbers for scalars, two layers and four channels: every entry of
// every parameter against the complex step. The loss depends on them through embeddings,
// normalisations, attention, GELU and the tied head, all at once. The parameters are larger than at
// the start of a training, where some mistakes would not be seen.

#include <algorithm>
#include <complex>
#include <cstdint>
#include <utility>
#include <vector>

#include <handgrad/backends/reference.hpp>
#include <handgrad/check/check.hpp>
#include <handgrad/tensor/random.hpp>

#include "model.hpp"

struct SmallProblem {
    GPTSizes sizes;
    handgrad::Labels inputs{Shape{2, 3}}, targets{Shape{2, 3}};

    SmallProblem() {
        sizes.vocabulary = 5;
        sizes.context = 3;
        sizes.layers = sizes.heads = 2;
        sizes.width = 4;
        const std::int64_t text[] = {1, 3, 3, 0, 4, 1, 2};
        std::copy_n(text, 6, inputs.data());
        std::copy_n(text + 1, 6, targets.data());
    }
};

template <class T> using Parameters = std::vector<handgrad::Tensor<T>>;

template <class T>
T loss_at(const SmallProblem& problem, const Parameters<T>& parameters) {
    Random random(0);
    GPT<handgrad::Reference<T>> model(problem.sizes, random);
    const auto own = model.parameters();
    for (std::size_t i = 0; i < own.size(); ++i) {
        own[i]->value = parameters[i];
    }
    nn::CrossEntropyLoss<handgrad::Reference<T>> criterion;
    return criterion.forward(model.forward(problem.inputs), problem.targets);
}

template <class Backend> handgrad::check::GradientCheck check_gradients() {
    const SmallProblem problem;
    Random random(1);
    GPT<Backend> model(problem.sizes, random);
    Parameters<std::complex<double>> parameters;
    for (auto* p : model.parameters()) {
        auto w = handgrad::zeros<double>(p->value.shape());
        handgrad::normal_(w, 0, 0.5, random);
        parameters.emplace_back(w);
        p->value = Backend::from_host(std::move(w));
    }
    const auto inputs = Backend::from_host(handgrad::Labels(problem.inputs)),
               targets = Backend::from_host(handgrad::Labels(problem.targets));
    nn::CrossEntropyLoss<Backend> criterion;
    model.zero_grad();
    criterion.forward(model.forward(inputs), targets);
    model.backward(criterion.backward());

    handgrad::check::GradientCheck checker;
    const auto named = model.named_parameters();
    for (std::size_t i = 0; i < named.size(); ++i) {
        const auto& [name, parameter] = named[i];
        checker.wrt(name, Backend::to_host(parameter->value),
                    Backend::to_host(parameter->grad),
                    [&, i](const auto& changed) {
                        auto all = parameters;
                        all[i] = changed;
                        return loss_at(problem, all);
                    });
    }
    return checker;
}
