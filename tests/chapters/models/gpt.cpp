// A GPT: the gradient of every parameter, PyTorch's losses, the tied head, what it refuses, and that a token does not see
// later ones.

#include <algorithm>
#include <cmath>

#include "../../../chapters/17_gpt/model.hpp"
#include "catch.hpp"
#include "fixtures/pytorch.hpp"
#include "handgrad/backends/cpu.hpp"
#include "handgrad/backends/reference.hpp"
#include "handgrad/check/check.hpp"
#include "handgrad/optim/adam.hpp"
#include "handgrad/optim/clip_grad.hpp"
#include "handgrad/optim/lr_scheduler.hpp"
#include "support/tensors.hpp"

using namespace handgrad;
using namespace support;

namespace {

GPTSizes small_gpt() {
    GPTSizes sizes;
    sizes.vocabulary = 5;
    sizes.context = 4;
    sizes.layers = 2;
    sizes.heads = 2;
    sizes.width = 4;
    return sizes;
}

/// Tokens (2, 3), one of which occurs twice in a row; the last target is ignored.
Labels token_batch(std::initializer_list<std::int64_t> values) {
    Labels tokens = labels(values);
    tokens.reshape(Shape{2, 3});
    return tokens;
}

template <class B> void load_gpt(GPT<B>& model, const std::vector<Tensor<double>>& values) {
    const auto parameters = model.parameters();
    for (std::size_t i = 0; i < values.size(); ++i) {
        parameters[i]->value = check::cast<typename B::Scalar>(values[i]);
    }
}

/// The loss as a function of one parameter, for any scalar.
struct GPTLoss {
    const GPTSizes& sizes;
    const std::vector<Tensor<double>>& values; ///< of all parameters
    const Labels &inputs, &targets;
    std::size_t which;

    template <class S> S operator()(const Tensor<S>& changed) const {
        Random random(1);
        GPT<Reference<S>> model(sizes, random);
        load_gpt(model, values);
        model.parameters()[which]->value = changed;
        return nn::CrossEntropyLoss<Reference<S>>().forward(model.forward(inputs), targets);
    }
};

} // namespace

TEMPLATE_TEST_CASE("gradients of a GPT of two layers, every parameter", "[gradients][gpt]", Reference<double>,
                   Cpu<double>) {
    using B = TestType;
    for (const bool bias : {false, true}) {
        GPTSizes sizes = small_gpt();
        sizes.bias = bias;
        Random random(1);
        GPT<B> model(sizes, random);
        const auto named = model.named_parameters();
        REQUIRE(named.size() == (bias ? 28 : 20));
        std::vector<Tensor<double>> values;
        for (const auto& [name, parameter] : named) { // not ones and zeros, which would hide a factor
            values.push_back(
                Tensor<double>(0.5 * normal_numbers<double>(parameter->value.shape(), 10 + values.size())));
        }
        load_gpt(model, values);
        const Labels inputs = token_batch({1, 3, 3, 0, 4, 1}), targets = token_batch({3, 3, 0, 4, 1, ignore_index});
        nn::CrossEntropyLoss<B> criterion;
        model.zero_grad();
        criterion.forward(model.forward(inputs), targets);
        model.backward(criterion.backward());
        check::GradientCheck checker;
        for (std::size_t i = 0; i < named.size(); ++i) {
            checker.wrt(named[i].first, values[i], named[i].second->grad, GPTLoss{sizes, values, inputs, targets, i});
        }
        INFO(check::to_string(checker));
        CHECK(checker.passed());
    }
}

TEST_CASE("a GPT has PyTorch's scores, and its losses over 100 steps of AdamW with clipping and warm-up",
          "[gpt][torch]") {
    using B = Cpu<double>;
    const pytorch::Case& c = pytorch::cases("gpt").at(0);
    GPTSizes sizes;
    sizes.vocabulary = c.get<double>("wte.weight").shape(0);
    sizes.context = c.get<double>("wpe.weight").shape(0);
    sizes.layers = 2;
    sizes.heads = c.options.at("heads").get<std::size_t>();
    sizes.width = c.get<double>("wte.weight").shape(1);
    sizes.bias = true;
    Random random(1);
    GPT<B> model(sizes, random);
    std::vector<nn::Parameter<B>*> matrices, others;
    for (const auto& [name, parameter] : model.named_parameters()) {
        REQUIRE(c.has(name));
        REQUIRE(parameter->value.shape() == c.get<double>(name).shape());
        parameter->value = c.get<double>(name);
        (parameter->value.shape().size() == 2 ? matrices : others).push_back(parameter);
    }
    AdamWOptions options, without_decay;
    options.lr = 0.01;
    options.betas = {0.9, 0.99};
    options.weight_decay = 0.1;
    without_decay = options;
    without_decay.weight_decay = 0;
    optim::AdamW<B> optimizer({{matrices, options}, {others, without_decay}});
    optim::LambdaLR schedule(optimizer, optim::warmup_cosine(10, 100, 0.1));

    const Tensor<double> text = c.get<double>("text"), windows = c.get<double>("windows"),
                         losses = c.get<double>("losses");
    const std::size_t batch = windows.shape(1), T = sizes.context;
    Labels inputs(Shape{batch, T}), targets(Shape{batch, T});
    nn::CrossEntropyLoss<B> criterion;
    double worst = 0;
    for (std::size_t step = 0; step < losses.size(); ++step) {
        for (std::size_t i = 0; i < batch * T; ++i) {
            const auto at = static_cast<std::size_t>(windows(step, i / T)) + i % T;
            inputs.data()[i] = static_cast<std::int64_t>(text(at));
            targets.data()[i] = static_cast<std::int64_t>(text(at + 1));
        }
        model.zero_grad();
        const Tensor<double>& z = model.forward(inputs);
        if (step == 0) { CHECK(difference(z, c.get<double>("z")) < 1e-12); }
        worst = std::max(worst, std::abs(criterion.forward(z, targets) - losses(step)) / losses(step));
        model.backward(criterion.backward());
        optim::clip_grad_norm_(model.parameters(), 1.0);
        optimizer.step();
        schedule.step();
    }
    INFO("largest relative difference of a loss " << worst);
    CHECK(losses(99) < losses(0) - 0.1);
    CHECK(worst < 1e-10);
}

TEST_CASE("a GPT begins with a loss near the logarithm of its vocabulary, and has one tensor for both tables",
          "[gpt]") {
    Random random(1);
    const GPTSizes sizes;
    GPT<Cpu<float>> model(sizes, random);
    // 65 and 64 rows of 128; 4 blocks of 12 C C and two normalisations; the last one.
    CHECK(model.parameter_count() == 129 * 128 + 4 * (12 * 128 * 128 + 4 * 128) + 2 * 128);
    const auto deviation = [](const Tensor<float>& w) {
        double sum = 0;
        for (const float v : w.storage()) { sum += static_cast<double>(v) * static_cast<double>(v); }
        return std::sqrt(sum / static_cast<double>(w.size()));
    };
    CHECK(std::abs(deviation(model.h[1]->mlp.c_fc.weight.value) - 0.02) < 0.0005);
    CHECK(std::abs(deviation(model.h[3]->mlp.c_proj.weight.value) - 0.02 / std::sqrt(8.0)) < 0.0002);
    Labels inputs = random_labels(2 * 64, 65, 1), targets = random_labels(2 * 64, 65, 2);
    inputs.reshape(Shape{2, 64});
    targets.reshape(Shape{2, 64});
    nn::CrossEntropyLoss<Cpu<float>> criterion;
    CHECK(std::abs(criterion.forward(model.forward(inputs), targets) - std::log(65.0)) < 0.1);
}

TEST_CASE("a GPT's scores do not depend on later tokens, but on the order of earlier ones", "[gpt]") {
    Random random(3);
    GPTSizes sizes = small_gpt();
    sizes.layers = 1; // in a second one the causal mask alone tells something of the order
    GPT<Cpu<double>> model(sizes, random);
    for (auto* parameter : model.parameters()) { // larger than at the start of a training
        parameter->value = Tensor<double>(parameter->value + normal_numbers<double>(parameter->value.shape(), 5));
    }
    const Labels tokens = token_batch({1, 3, 2, 0, 4, 1}), last = token_batch({1, 3, 0, 0, 4, 1}),
                 order = token_batch({3, 1, 2, 0, 4, 1});
    const Tensor<double> z = model.forward(tokens), z_last = model.forward(last), z_order = model.forward(order);
    for (std::size_t k = 0; k < 5; ++k) {
        CHECK(z(0, 0, k) == z_last(0, 0, k));
        CHECK(z(0, 1, k) == z_last(0, 1, k));
        CHECK(z(1, 2, k) == z_last(1, 2, k));
        CHECK(std::abs(z(0, 2, k) - z_order(0, 2, k)) > 1e-3);
    }
}

TEST_CASE("a GPT refuses sequences that are too long and unknown tokens in one line", "[gpt]") {
    Random random(1);
    GPT<Cpu<float>> model(small_gpt(), random);
    const Labels longer = random_labels(5, 5, 1);
    Labels one(Shape{1, 5});
    one.fill(0);
    CHECK(message_of([&] { model.forward(longer); }) == "GPT: tokens has shape (5,), expected 2 dimensions (B, T)");
    CHECK(message_of([&] { model.forward(one); }) ==
          "GPT: tokens has shape (1, 5), expected at most 4 tokens in a sequence, the model's context");
    const Labels unknown = token_batch({1, 3, 3, 0, 4, 5});
    CHECK(message_of([&] { model.forward(unknown); }).find("embedding_forward: ") == 0);
}

TEST_CASE("a tied head: scores by the embedding's rows, and both gradients in one tensor", "[nn]") {
    using B = Cpu<double>;
    Random random(1);
    nn::Embedding<B> embedding(5, 3, random);
    nn::TiedHead<B> head(embedding.weight);
    CHECK(head.to_string() == "TiedHead(in_features=3, out_features=5, bias=False)");
    CHECK(head.named_parameters().empty());
    CHECK(head.output_shape({2, 3, 3}) == Shape{2, 3, 5});
    CHECK(message_of([&] { head.output_shape({2, 5}); }) == "TiedHead: x has shape (2, 5), expected (2, 3)");
    const auto tokens = token_batch({1, 3, 3, 0, 4, 1});
    const auto dz = normal_numbers<double>({2, 3, 5}, 2);
    const Tensor<double>& w = embedding.weight.value;
    const Tensor<double>& x = embedding.forward(tokens);
    const Tensor<double>& z = head.forward(x);
    double expected_z = 0; // of the second sequence's last token, for token 3
    for (std::size_t c = 0; c < 3; ++c) { expected_z += w(1, c) * w(3, c); }
    CHECK(std::abs(z(1, 2, 3) - expected_z) < 1e-14);
    const Tensor<double> dx = head.backward(dz);
    embedding.backward(dx);
    Tensor<double> expected = zeros<double>({5, 3});
    for (std::size_t i = 0; i < 6; ++i) {
        const auto token = static_cast<std::size_t>(tokens.data()[i]);
        for (std::size_t v = 0; v < 5; ++v) {
            for (std::size_t c = 0; c < 3; ++c) {
                expected(v, c) += dz.data()[5 * i + v] * w(token, c); // as a weight
                expected(token, c) += dz.data()[5 * i + v] * w(v, c); // as the row of a token
            }
        }
    }
    CHECK(difference(embedding.weight.grad, expected) < 1e-14);
    head.forward(embedding.forward(tokens));
    embedding.backward(head.backward(dz));
    CHECK(difference(embedding.weight.grad, Tensor<double>(2.0 * expected)) < 1e-14);
    head.forward(embedding.forward(tokens));
    embedding.weight.value.fill(1);
    CHECK(message_of<std::logic_error>([&] { head.backward(dz); }).find("TiedHead") == 0);
}
