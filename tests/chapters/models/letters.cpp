// Chapter 15: the table of pairs and its counts, the network that reads letters, and how names are drawn.

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "../../../chapters/15_next_letter/counting.hpp"
#include "../../../chapters/15_next_letter/model.hpp"
#include "../../../chapters/15_next_letter/sampling.hpp"
#include "catch.hpp"
#include "handgrad/backends/cpu.hpp"
#include "handgrad/backends/reference.hpp"
#include "handgrad/check/check.hpp"
#include "handgrad/data/text.hpp"
#include "handgrad/optim/sgd.hpp"
#include "handgrad/tensor/parallel.hpp"
#include "support/tensors.hpp"

using namespace handgrad;
using namespace support;

namespace {

const std::vector<std::string> few_names{"ann", "ana", "nan"};

data::Contexts contexts_of(std::size_t length) { return {few_names, data::CharacterVocabulary("\nan"), length}; }

bool is_near(double number, double expected, double tolerance = 1e-13) {
    return std::abs(number - expected) <= tolerance;
}

/// The loss of a LetterNet as a function of one parameter, for any scalar.
struct LetterLoss {
    const LetterSizes& sizes;
    const std::vector<Tensor<double>>& values; ///< of all parameters
    const Labels &tokens, &targets;
    std::size_t which;

    template <class S> S operator()(const Tensor<S>& changed) const {
        Random random(1);
        LetterNet<Reference<S>> net(sizes, random);
        const auto parameters = net.parameters();
        for (std::size_t i = 0; i < values.size(); ++i) { parameters[i]->value = check::cast<S>(values[i]); }
        parameters[which]->value = changed;
        return net.forward(tokens, targets);
    }
};

/// All parameters after some steps of gradient descent.
std::vector<double> trained_letters(int threads) {
    set_num_threads(threads);
    const data::Contexts examples = contexts_of(2);
    Random random(3);
    LetterNet<Cpu<double>> net({3, 2, 4, 33}, random);
    SgdOptions options;
    options.lr = 0.5;
    optim::SGD<Cpu<double>> optimizer(net.parameters(), options);
    for (int step = 0; step < 20; ++step) {
        net.zero_grad();
        net.forward(examples.inputs(), examples.outputs());
        net.backward(examples.inputs(), examples.outputs());
        optimizer.step();
    }
    std::vector<double> all;
    for (const auto* parameter : net.parameters()) {
        all.insert(all.end(), parameter->value.begin(), parameter->value.end());
    }
    return all;
}

} // namespace

TEST_CASE("pairs of letters are counted, ends of names included", "[chapters]") {
    const auto pairs = counting::count_pairs(contexts_of(1), 3); // 0 the line break, 1 a, 2 n
    CHECK(pairs.count == Tensor<double>{{0, 2, 1}, {1, 0, 3}, {2, 2, 1}});
    CHECK(pairs.row == Tensor<double>{3, 4, 5});
    CHECK(pairs.all == 12);
    const double by_hand = -(2 * std::log(2. / 3) + std::log(1. / 3) + 3 * std::log(0.75) + std::log(0.25) +
                             std::log(0.2) + 4 * std::log(0.4)) /
                           12;
    CHECK(is_near(counting::mean_loss(counting::frequencies(pairs), pairs), by_hand));
    CHECK(counting::frequencies(pairs, 1)(0, 2) == 2. / 6);
    const counting::Pairs none = counting::count_pairs(contexts_of(1), 4); // a letter that never occurs
    CHECK(counting::frequencies(none)(3, 1) == 0.25);
    // One letter of context is a table of pairs, whoever counts.
    const counting::LongCounts counts(contexts_of(1), 3);
    CHECK(counts.contexts() == 3);
    CHECK(
        is_near(counts.mean_loss(contexts_of(1), 0.5), counting::mean_loss(counting::frequencies(pairs, 0.5), pairs)));
}

TEST_CASE("the gradient of a table of pairs is expected minus observed counts", "[chapters]") {
    const data::Contexts examples = contexts_of(1);
    const auto pairs = counting::count_pairs(examples, 3);
    const Tensor<double> w = normal_numbers<double>({3, 3}, 1);
    Labels tokens = examples.inputs();
    tokens.reshape({examples.size()});
    check::GradientCheck checker;
    Tensor<double> p;
    counting::table_forward(w, pairs, p);
    checker.wrt("w", w, counting::table_backward(p, pairs), [&](const auto& w_) {
        return reference::cross_entropy_forward(reference::embedding_forward(w_, tokens), examples.outputs());
    });
    INFO(to_string(checker));
    CHECK(checker.passed());
    const Tensor<double> at_minimum = counting::table_backward(counting::frequencies(pairs), pairs);
    for (const double value : at_minimum) { CHECK(std::abs(value) < 1e-16); }
}

TEST_CASE("gradient descent on a table never raises the loss, and ends at that of counting", "[chapters]") {
    const auto pairs = counting::count_pairs(contexts_of(1), 3);
    double before = std::numeric_limits<double>::infinity();
    counting::descend(pairs, 0, 3000, [&](std::size_t, double loss) {
        CHECK(loss <= before + 1e-15);
        before = loss;
    });
    const double counted = counting::mean_loss(counting::frequencies(pairs), pairs);
    CHECK(before > counted);
    CHECK(before < counted + 1e-3);
    // A penalty of L2 and counts that are added agree where both are large.
    const auto p = counting::frequencies(pairs, 1e5);
    const auto q = counting::descend(pairs, 1e5 / pairs.all, 100, [](std::size_t, double) {});
    for (std::size_t i = 0; i < p.size(); ++i) { CHECK(is_near(p.data()[i], q.data()[i], 1e-8)); }
}

TEMPLATE_TEST_CASE("gradients of a network of letters, every parameter", "[gradients][chapters]", Cpu<double>,
                   Reference<double>) {
    const LetterSizes sizes{5, 3, 2, 4};
    const Labels tokens{{0, 0, 0}, {0, 0, 3}, {0, 3, 1}, {3, 1, 3}}, targets{3, 1, 3, 0};
    Random random(1);
    LetterNet<TestType> net(sizes, random);
    std::vector<Tensor<double>> values;
    for (auto* parameter : net.parameters()) {
        parameter->value = normal_numbers<double>(parameter->value.shape(), 2 + values.size());
        values.push_back(parameter->value);
    }
    CHECK(net.parameter_count() == sizes.parameters());
    net.zero_grad();
    for (int twice = 0; twice < 2; ++twice) { // a second backward adds to the gradients
        net.forward(tokens, targets);
        net.backward(tokens, targets);
    }
    check::GradientCheck checker;
    for (std::size_t i = 0; i < values.size(); ++i) {
        const auto [name, parameter] = net.named_parameters()[i];
        checker.wrt(name, values[i], Tensor<double>(parameter->grad * 0.5),
                    LetterLoss{sizes, values, tokens, targets, i});
    }
    INFO(to_string(checker));
    CHECK(checker.passed());
}

TEST_CASE("a network of letters begins near the loss of guessing, and has the same bits on any threads", "[chapters]") {
    const data::Contexts examples = contexts_of(3);
    Random random(1);
    LetterNet<Cpu<double>> net({27, 3, 10, 200}, random);
    CHECK(is_near(net.forward(examples.inputs(), examples.outputs()), std::log(27.0), 0.15));
    const int threads = num_threads();
    const auto one = trained_letters(1);
    CHECK(one == trained_letters(2));
    CHECK(one == trained_letters(4));
    set_num_threads(threads);
}

TEST_CASE("letters are drawn with their probabilities, at any temperature", "[chapters]") {
    const double never = -std::numeric_limits<double>::infinity();
    const std::vector<double> scores{std::log(0.9), never, std::log(0.1)};
    const auto shares = [&](double temperature) {
        Random random(1);
        std::vector<double> share(3);
        for (int i = 0; i < 10000; ++i) {
            share[static_cast<std::size_t>(sampling::draw(scores, temperature, random))] += 1e-4;
        }
        return share;
    };
    const auto one = shares(1), two = shares(2), cold = shares(0.01);
    CHECK(is_near(one[0], 0.9, 0.01));
    CHECK(one[1] == 0);
    CHECK(is_near(two[0], 0.75, 0.015)); // 3 / (3 + 1), the roots of 9 and 1
    CHECK(is_near(cold[0], 1));
    // A name ends with the line break; the context has the letters before, the last one at its end.
    std::vector<sampling::Context> seen;
    Random random(1);
    const auto scores_of = [&](const sampling::Context& before) {
        seen.push_back(before);
        std::vector<double> next(3, never);
        next[seen.size() == 3 ? 0 : seen.size()] = 0;
        return next;
    };
    CHECK(sampling::make_name(scores_of, 2, 0, 1, random) == sampling::Context{1, 2});
    CHECK(seen == std::vector<sampling::Context>{{0, 0}, {0, 1}, {1, 2}});
    // A model that never ends a name.
    const auto endless = [&](const sampling::Context&) { return std::vector<double>{never, 0}; };
    CHECK(sampling::make_name(endless, 1, 0, 1, random).size() == data::max_name_characters);
}
