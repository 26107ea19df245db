// embedding: its entry in the table of operations; against one-hot rows; tokens that occur often or never; its layer.

#include <cmath>

#include "catch.hpp"
#include "handgrad/backends/cpu.hpp"
#include "handgrad/nn/nn.hpp"
#include "nlohmann/json.hpp"
#include "support/operation.hpp"
#include "support/tensors.hpp"
#include "support/threads.hpp"

using namespace handgrad;
using namespace support;

namespace {

Chain embedding() {
    return {Operation::forward("embedding_forward", "w token:labels -> y",
                               [](auto on, auto& a) { on.embedding_forward(a["w"], a.labels("token"), a["y"]); }),
            {{"embedding_backward", "dy token:labels w:shape -> dw+", [](auto on, auto& a) {
                  on.embedding_backward(a["dy"], a.labels("token"), a.shape("w"), a["dw"], a.mode);
              }}}};
}

/// w (V, C) and tokens of any shape.
template <class Fill>
Values embedding_arguments(std::size_t vocabulary, std::size_t features, const Shape& shape, const Fill& fill) {
    auto token = to<double>(random_labels(count(shape), vocabulary, 3));
    token.reshape(shape);
    return {{"w", fill({vocabulary, features}, 1)}, {"token", token}};
}

std::vector<Refusal> embedding_refusals() {
    const auto t = [](const Shape& shape) { return zeros<double>(shape); };
    const auto tokens_of = [](std::initializer_list<std::int64_t> values, const Shape& shape) {
        auto token = to<double>(labels(values));
        token.reshape(shape);
        return token;
    };
    const Chain chain = embedding();
    const Operation& backward = chain["embedding_backward"];
    return {{chain.forward,
             {{"w", t({5, 2})}, {"token", tokens_of({0, 4, 5, -1}, {4})}},
             "token[2] is 5, expected a token from 0 to 4",
             true},
            {chain.forward,
             {{"w", t({27, 2})}, {"token", tokens_of({0, 26, 3, 2, 1, -1}, {2, 3})}},
             "token[1, 2] is -1, expected a token from 0 to 26",
             true},
            {chain.forward,
             {{"w", t({0, 2})}, {"token", tokens_of({0}, {1})}},
             "token[0] is 0, expected none: the vocabulary is empty",
             true},
            {chain.forward,
             {{"w", t({3})}, {"token", tokens_of({0}, {1})}},
             "w has shape (3,), expected 2 dimensions (V, C)"},
            {backward,
             {{"w", t({5, 2})}, {"token", tokens_of({0, 1}, {2})}, {"dy", t({2, 3})}},
             "dy has shape (2, 3), expected (2, 2)"},
            {backward,
             {{"w", t({5, 2})}, {"token", tokens_of({0, 7}, {2})}, {"dy", t({2, 2})}},
             "token[1] is 7, expected a token from 0 to 4",
             true},
            {backward,
             {{"w", t({5, 2})}, {"token", tokens_of({0, 1}, {2})}, {"dy", t({2, 2})}, {"dw", t({4, 2})}},
             "dw has shape (4, 2), expected (5, 2)"}};
}

Tested tested_embedding() {
    Tested t;
    t.name = "embedding";
    t.batch = [](std::size_t n) {
        return Example{"", embedding(), embedding_arguments(7, 5, {n}, whole_numbers<double>)};
    };
    t.forms = {{"embedding_forward", "w token:labels -> y",
                [](auto on, auto& a) { a["y"] = on.embedding_forward(a["w"], a.labels("token")); }},
               {"embedding_backward", "dy token:labels w:shape -> dw",
                [](auto on, auto& a) { a["dw"] = on.embedding_backward(a["dy"], a.labels("token"), a.shape("w")); }}};
    t.refusals = embedding_refusals;
    t.gradients = [] {
        return std::vector<Example>{
            {"(2, 3) tokens of 4", embedding(), embedding_arguments(4, 3, {2, 3}, normal_numbers<double>)},
            {"9 tokens of 2", embedding(), embedding_arguments(2, 5, {9}, normal_numbers<double>)}};
    };
    t.mistakes = {
        {"dw", "rows are overwritten",
         [](const Backend&, const Chain&, const Values& values) {
             Tensor<double> dw = zeros<double>(values.at("w").shape());
             const std::size_t C = dw.shape(1);
             for (std::size_t n = 0; n < values.at("token").size(); ++n) {
                 const auto v = static_cast<std::size_t>(values.at("token").data()[n]);
                 std::copy_n(values.at("dy").data() + n * C, C, dw.data() + v * C);
             }
             return dw;
         }},
        {"dw", "the tokens are those of the neighbour", [](const Backend& on, const Chain& chain, Values values) {
             Tensor<double>& token = values["token"];
             std::rotate(token.data(), token.data() + 1, token.data() + token.size());
             chain["embedding_backward"](on, values);
             return values.at("dw");
         }}};
    t.large = [] {
        return std::vector<Example>{
            {"many tokens", embedding(), embedding_arguments(40, 1000, {600}, normal_numbers<double>)},
            {"a large vocabulary", embedding(), embedding_arguments(5000, 33, {60, 10}, normal_numbers<double>)}};
    };
    t.threads_on_device = true;
    t.cases = 6;
    t.torch_tolerance = 4;
    return t;
}

/// The sum of the rows of dy of each token, in long double.
Tensor<double> rows_added_up(const Values& values) {
    const std::size_t V = values.at("w").shape(0), C = values.at("w").shape(1);
    std::vector<long double> sum(V * C);
    for (std::size_t n = 0; n < values.at("token").size(); ++n) {
        const auto v = static_cast<std::size_t>(values.at("token").data()[n]);
        for (std::size_t c = 0; c < C; ++c) { sum[v * C + c] += values.at("dy").data()[n * C + c]; }
    }
    Tensor<double> dw(Shape{V, C});
    for (std::size_t i = 0; i < sum.size(); ++i) { dw.data()[i] = static_cast<double>(sum[i]); }
    return dw;
}

} // namespace

HANDGRAD_TEST_OPERATION("embedding", tested_embedding())

HANDGRAD_TEST_ON_BACKENDS("embedding is the product of one-hot rows and the weight, forward and backward",
                          "[ops][embedding]") {
    const std::tuple<std::size_t, std::size_t, Shape> sizes[] = {{1, 1, {1}},          {27, 10, {32, 3}}, {5, 0, {2}},
                                                                 {300, 17, {4, 5, 6}}, {3, 70, {2000}},   {65, 4, {}}};
    for (const auto& [vocabulary, features, shape] : sizes) {
        INFO(vocabulary << " tokens, " << features << " features, tokens " << to_string(shape));
        Values values = embedding_arguments(vocabulary, features, shape, normal_numbers<double>);
        const std::size_t n_tokens = count(shape);
        Shape result = shape;
        result.push_back(features);
        values["dy"] = normal_numbers<double>(result, 2);
        Tensor<double> one_hot = zeros<double>({n_tokens, vocabulary});
        for (std::size_t n = 0; n < n_tokens; ++n) {
            one_hot(n, static_cast<std::size_t>(values["token"].data()[n])) = 1;
        }
        const Values got = embedding()(on, values);
        Tensor<double> y = reference::linear_forward(one_hot, to_stored(on, values["w"]), zeros<double>({features}));
        y.reshape(result);
        CHECK(equal_numbers(got.at("y"), y)); // a copy, which rounds nothing
        const double longest = std::sqrt(1.0 + static_cast<double>(n_tokens) / static_cast<double>(vocabulary));
        CHECK(difference(got.at("dw"), rows_added_up(values)) <= 10 * longest * on.rounding());
    }
}

HANDGRAD_TEST_ON_BACKENDS("embedding: one token many times, and the order in which its rows are added",
                          "[ops][embedding]") {
    // In ascending order 2^60 - 2^60 + 1 is 1. In any other order the 1 is lost beside 2^60.
    const double large = std::ldexp(1.0, 60);
    Values values{{"w", zeros<double>({3, 1})}, {"token", to<double>(labels({1, 1, 1, 2}))}};
    values["dy"] = tensor<double>({4, 1}, {large, -large, 1, 8});
    CHECK(equal_numbers(embedding()(on, values).at("dw"), tensor<double>({3, 1}, {0, 1, 8})));
    // The sum comes first, and then is added to dw: 1 + (2^60 - 2^60) is 1.
    values["dy"] = tensor<double>({4, 1}, {large, -large, 0, 8});
    values["dw"] = tensor<double>({3, 1}, {5, 1, 2});
    embedding()["embedding_backward"](on, values, Accumulate::yes);
    CHECK(equal_numbers(values.at("dw"), tensor<double>({3, 1}, {5, 1, 10})));
}

TEMPLATE_TEST_CASE("nn::Embedding prints and starts as PyTorch's, and refuses a backward that does not belong", "[nn]",
                   HANDGRAD_BACKENDS) {
    using B = TestType;
    using T = typename B::Scalar;
    Random random(7), same(7);
    nn::Embedding<B> layer(27, 10, random);
    CHECK(layer.to_string() == "Embedding(27, 10)");
    CHECK(layer.parameter_count() == 270);
    Tensor<T> normal(Shape{27, 10});
    normal_(normal, 0, 1, same);
    CHECK(same_bits(Tensor<T>(B::to_host(layer.weight.value)), normal));
    CHECK(message_of([&] { nn::Embedding<B> none(0, 2, random); }) ==
          "Embedding: num_embeddings is 0, expected at least 1");
    CHECK(message_of([&] { nn::Embedding<B> none(2, 0, random); }) ==
          "Embedding: embedding_dim is 0, expected at least 1");

    auto host = random_labels(6, 27, 1);
    host.reshape({2, 3});
    auto token = B::from_host(host);
    const auto dy = B::from_host(normal_numbers<T>({2, 3, 10}, 2));
    CHECK(message_of<std::logic_error>([&] { layer.backward(dy); }) == "Embedding: call forward before each backward");
    const auto y = layer.forward(token);
    CHECK(y.shape() == Shape{2, 3, 10});
    CHECK(message_of([&] {
              layer.backward(B::from_host(zeros<T>({3, 2, 10})));
          }) == "Embedding: dy has shape (3, 2, 10), expected (2, 3, 10), the shape of the last output");
    layer.backward(dy);
    const Tensor<T> once = B::to_host(layer.weight.grad);
    CHECK(same_bits(once, Tensor<T>(B::to_host(B::embedding_backward(dy, token, Shape{27, 10})))));
    CHECK(message_of<std::logic_error>([&] { layer.backward(dy); }) == "Embedding: call forward before each backward");
    layer.forward(token);
    layer.backward(dy);
    CHECK(same_bits(Tensor<T>(B::to_host(layer.weight.grad)), Tensor<T>(T(2) * once))); // added up
    layer.forward(token);
    B::copy_from_host(host, token); // the next mini-batch before backward
    CHECK_THROWS_AS(layer.backward(dy), std::logic_error);
}
