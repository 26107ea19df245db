#pragma once
// ## Are the gradients right?
//
// Two models, and for each the complex step (chapter 06). The table's loss is computed as a
// network would do it, one example at a time, by the operations embedding and cross-entropy: row
// $w_i$ is the embedding of letter i. The gradient is the one that the counts give. So the check
// compares two ways to see the same loss, and proves the formula with the counts.

#include <cmath>
#include <complex>
#include <cstddef>
#include <vector>

#include <handgrad/backends/reference.hpp>
#include <handgrad/check/check.hpp>
#include <handgrad/data/token_loader.hpp>
#include <handgrad/tensor/random.hpp>

#include "counting.hpp"
#include "model.hpp"

namespace gradients {

namespace ref = handgrad::reference;
namespace check = handgrad::check;
using handgrad::Labels;
using handgrad::Tensor;

inline Tensor<double> random_tensor(const handgrad::Shape& shape,
                                    Random& random) {
    Tensor<double> t = handgrad::zeros<double>(shape);
    handgrad::normal_(t, 0, 1, random);
    return t;
}

inline void check_table(check::GradientCheck& checker,
                        const counting::Contexts& examples, std::size_t V) {
    Random random(1);
    const auto pairs = counting::count_pairs(examples, V);
    const Tensor<double> w = random_tensor({V, V}, random);
    const Tensor<double> dw =
        counting::table_backward(counting::softmax_rows(w), pairs);
    Labels tokens = examples.inputs();
    tokens.reshape({examples.size()});
    checker.wrt("w (table)", w, dw, [&](const auto& w_) {
        return ref::cross_entropy_forward(ref::embedding_forward(w_, tokens),
                                          examples.outputs());
    });
}

// The same comparison on every name of the list, without the complex step: backward through
// cross-entropy and embedding, which adds up a row for each example, against the counts. Returns
// the largest difference between two entries.
inline double compare_on_all(const counting::Contexts& examples,
                             const counting::Pairs& pairs) {
    using Backend = handgrad::Cpu<double>;
    Random random(1);
    const std::size_t V = pairs.letters();
    const Tensor<double> w = random_tensor({V, V}, random);
    Labels tokens = examples.inputs();
    tokens.reshape({examples.size()});
    Tensor<double> p;
    Backend::cross_entropy_forward(Backend::embedding_forward(w, tokens),
                                   examples.outputs(), p);
    const Tensor<double> dw = Backend::embedding_backward(
        Backend::cross_entropy_backward(p, examples.outputs()), tokens,
        w.shape());
    const Tensor<double> counted =
        counting::table_backward(counting::softmax_rows(w), pairs);
    double largest = 0;
    for (std::size_t i = 0; i < dw.size(); ++i) {
        largest =
            std::fmax(largest, std::abs(dw.data()[i] - counted.data()[i]));
    }
    return largest;
}

// ### The network
//
// Five letters, contexts of three, rows of two numbers, four hidden units. The class is the one
// that is trained, and all its parameters are larger than at the start of a training. Letter 3
// occurs in several places of several examples, so its row of $dw_0$ is a sum; the letters 2 and
// 4 do not occur, and their rows are 0.
template <class T> T loss_at(const std::vector<Tensor<T>>& parameters,
                             const LetterSizes& sizes, const Labels& tokens,
                             const Labels& targets) {
    Random random(0);
    LetterNet<handgrad::Reference<T>> net(sizes, random);
    const auto own = net.parameters();
    for (std::size_t i = 0; i < own.size(); ++i) {
        own[i]->value = parameters[i];
    }
    return net.forward(tokens, targets);
}

inline void check_network(check::GradientCheck& checker) {
    const LetterSizes sizes{5, 3, 2, 4};
    const Labels tokens{{0, 0, 0}, {0, 0, 3}, {0, 3, 1}, {3, 1, 3}};
    const Labels targets{3, 1, 3, 0};
    Random random(1);
    LetterNet<handgrad::Cpu<double>> net(sizes, random);
    std::vector<Tensor<std::complex<double>>> parameters;
    for (auto* p : net.parameters()) {
        p->value = random_tensor(p->value.shape(), random);
        parameters.emplace_back(p->value);
    }
    net.forward(tokens, targets);
    net.backward(tokens, targets);
    const auto named = net.named_parameters();
    for (std::size_t i = 0; i < named.size(); ++i) {
        const auto* parameter = named[i].second;
        checker.wrt(named[i].first, parameter->value, parameter->grad,
                    [&, i](const auto& changed) {
                        auto all = parameters;
                        all[i] = changed;
                        return loss_at(all, sizes, tokens, targets);
                    });
    }
}

} // namespace gradients
