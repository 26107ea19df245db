// attention: its entry in the table of operations; by the formula; what its mask hides; its layer.

#include <algorithm>
#include <cmath>
#include <tuple>

#include "catch.hpp"
#include "handgrad/backends/cpu.hpp"
#include "handgrad/nn/nn.hpp"
#include "handgrad/tensor/simd.hpp"
#include "nlohmann/json.hpp"
#include "support/operation.hpp"
#include "support/tensors.hpp"

using namespace handgrad;
using namespace support;

namespace {

Chain attention(std::size_t heads, Mask mask) {
    return {Operation::forward("attention_forward", "qkv -> y p",
                               [=](auto on, auto& a) { on.attention_forward(a["qkv"], heads, mask, a["y"], a["p"]); }),
            {{"attention_backward", "qkv p dy -> dqkv",
              [=](auto on, auto& a) { on.attention_backward(a["qkv"], heads, mask, a["p"], a["dy"], a["dqkv"]); }}}};
}

/// The sizes of an example.
struct AttentionSizes {
    std::size_t batch, tokens, heads, features; ///< features of a head
    Mask mask;
    std::size_t width() const { return heads * features; }
    std::string text() const {
        return std::to_string(batch) + " sequences, " + std::to_string(tokens) + " tokens, " + std::to_string(heads) +
               " heads of " + std::to_string(features) + (mask == Mask::causal ? ", causal" : "");
    }
    Tensor<double> qkv() const { return normal_numbers<double>({batch, tokens, 3 * width()}, 1); }
    Example example() const { return {text(), attention(heads, mask), {{"qkv", qkv()}}}; }
};

std::vector<Example> attention_examples(const std::vector<AttentionSizes>& sizes) {
    std::vector<Example> all;
    for (const AttentionSizes& each : sizes) { all.push_back(each.example()); }
    return all;
}

std::vector<Refusal> attention_refusals() {
    const auto t = [](const Shape& shape) { return zeros<double>(shape); };
    const auto forward = [&](std::size_t heads, const Shape& qkv, const std::string& message) {
        return Refusal{attention(heads, Mask::causal).forward, {{"qkv", t(qkv)}}, message};
    };
    const auto back = [&](const Shape& p, const Shape& dy, const std::string& message) {
        return Refusal{attention(2, Mask::causal)["attention_backward"],
                       {{"qkv", t({3, 5, 12})}, {"p", t(p)}, {"dy", t(dy)}},
                       message};
    };
    return {forward(2, {5, 12}, "qkv has shape (5, 12), expected 3 dimensions (B, T, 3 C)"),
            forward(2, {3, 5, 13},
                    "the last extent of qkv is 13, expected a multiple of 3: queries, keys and values side by side"),
            forward(2, {3, 5, 0},
                    "the last extent of qkv is 0, expected a multiple of 3: queries, keys and values side by side"),
            forward(3, {3, 5, 12}, "heads is 3, expected a divisor of the width 4"),
            forward(0, {3, 5, 12}, "heads is 0, expected at least 1"),
            forward(4, {3, 0, 12}, ""),
            back({3, 2, 5, 4}, {3, 5, 4}, "p has shape (3, 2, 5, 4), expected (3, 2, 5, 5)"),
            back({3, 2, 5, 5}, {3, 4, 5}, "dy has shape (3, 4, 5), expected (3, 5, 4)")};
}

/// dqkv with each query and key's gradient times one factor, and each value's times another.
Tensor<double> scaled(Tensor<double> dqkv, double of_scores, double of_values) {
    const std::size_t columns = dqkv.shape().back();
    for (std::size_t i = 0; i < dqkv.size(); ++i) {
        dqkv.data()[i] *= i % columns < columns / 3 * 2 ? of_scores : of_values;
    }
    return dqkv;
}

/// y, p and dqkv by the definition, token by token, in long double.
struct ExpectedAttention {
    Tensor<double> y, p, dqkv;
    /// Without the weighted mean dqkv is wrong, as a gradient check has to find.
    ExpectedAttention(const AttentionSizes& size, const Tensor<double>& qkv, const Tensor<double>& dy,
                      bool with_mean = true)
        : y(zeros<double>(dy.shape())), p(zeros<double>({size.batch, size.heads, size.tokens, size.tokens})),
          dqkv(zeros<double>(qkv.shape())) {
        const std::size_t T = size.tokens, D = size.features, C = size.width();
        const long double root = std::sqrt(static_cast<long double>(D));
        std::vector<long double> dp(T), weights(T);
        for (std::size_t b = 0; b < size.batch; ++b) {
            for (std::size_t column = 0; column < C; column += D) { // of the head's first number
                for (std::size_t t = 0; t < T; ++t) {
                    const auto sees = [&](std::size_t s) { return size.mask == Mask::none || s <= t; };
                    long double sum = 0, mean = 0;
                    for (std::size_t s = 0; s < T; ++s) {
                        long double score = 0;
                        dp[s] = 0;
                        for (std::size_t c = column; c < column + D; ++c) {
                            score += static_cast<long double>(qkv(b, t, c)) * qkv(b, s, C + c);
                            dp[s] += static_cast<long double>(dy(b, t, c)) * qkv(b, s, 2 * C + c);
                        }
                        sum += weights[s] = sees(s) ? std::exp(score / root) : 0;
                    }
                    for (std::size_t s = 0; s < T; ++s) { mean += dp[s] * (weights[s] /= sum); }
                    if (!with_mean) { mean = 0; }
                    for (std::size_t s = 0; s < T; ++s) {
                        p(b, column / D, t, s) = static_cast<double>(weights[s]);
                        const double weight = p(b, column / D, t, s),
                                     dz = static_cast<double>(weights[s] * (dp[s] - mean) / root);
                        for (std::size_t c = column; c < column + D; ++c) {
                            y(b, t, c) += weight * qkv(b, s, 2 * C + c);
                            dqkv(b, t, c) += dz * qkv(b, s, C + c);
                            dqkv(b, s, C + c) += dz * qkv(b, t, c);
                            dqkv(b, s, 2 * C + c) += weight * dy(b, t, c);
                        }
                    }
                }
            }
        }
    }
};

Tested tested_attention() {
    Tested t;
    t.name = "attention";
    t.is_exact = false;
    t.folds_rows = false; // the axis of the tokens is no other row
    t.batch = [](std::size_t n) { return AttentionSizes{n, 5, 2, 2, Mask::causal}.example(); };
    t.forms = {{"attention_forward", "qkv -> y p",
                [](auto on, auto& a) {
                    auto r = on.attention_forward(a["qkv"], 2, Mask::causal);
                    a["y"] = r.y, a["p"] = r.p;
                }},
               {"attention_backward", "qkv p dy -> dqkv", [](auto on, auto& a) {
                    a["dqkv"] = on.attention_backward(a["qkv"], 2, Mask::causal, a["p"], a["dy"]);
                }}};
    t.refusals = attention_refusals;
    t.gradients = [] {
        return attention_examples({{2, 3, 2, 2, Mask::causal}, {1, 4, 3, 3, Mask::none}, {1, 18, 1, 1, Mask::causal}});
    };
    t.mistakes = {
        {"dqkv", "the scale is missing",
         [](const Backend&, const Chain&, const Values& v) {
             const double D = static_cast<double>(v.at("dy").shape()[2] / v.at("p").shape()[1]);
             return D == 1 ? Tensor<double>(Shape{0}) : scaled(v.at("dqkv"), std::sqrt(D), 1);
         }},
        {"dqkv", "the weighted mean of dp is missing",
         [](const Backend&, const Chain&, const Values& v) {
             const Shape p = v.at("p").shape();
             const bool is_causal = v.at("p")(0, 0, 0, p[2] - 1) == 0;
             return ExpectedAttention(
                        {p[0], p[2], p[1], v.at("dy").shape()[2] / p[1], is_causal ? Mask::causal : Mask::none},
                        v.at("qkv"), v.at("dy"), false)
                 .dqkv;
         }},
        {"dqkv", "a token passes nothing to itself", [](const Backend& on, const Chain& chain, Values values) {
             Tensor<double>& p = values["p"];
             const std::size_t tokens = p.shape()[2];
             for (std::size_t i = 0; i < p.size(); ++i) {
                 if (i % tokens == i / tokens % tokens) { p.data()[i] = 0; }
             }
             chain["attention_backward"](on, values);
             return values.at("dqkv");
         }}};
    t.large = [] { return attention_examples({{9, 70, 4, 16, Mask::causal}, {2, 130, 2, 33, Mask::none}}); };
    t.threads_on_device = true;
    t.cases = 7;
    t.torch_tolerance = 10;
    t.torch_chain = [](const nlohmann::ordered_json& options) {
        return std::vector<Chain>{attention(options.at("heads").get<std::size_t>(),
                                            options.at("causal").get<bool>() ? Mask::causal : Mask::none)};
    };
    return t;
}

// Nothing, one token, tokens and features that fill no register or several, whole tiles and parts of a tile.
constexpr AttentionSizes attention_sizes[] = {{0, 3, 2, 2, Mask::causal},   {2, 0, 2, 2, Mask::causal},
                                              {1, 1, 1, 1, Mask::causal},   {2, 7, 3, 5, Mask::none},
                                              {2, 8, 2, 8, Mask::causal},   {1, 24, 2, 16, Mask::causal},
                                              {2, 25, 1, 17, Mask::causal}, {1, 50, 2, 33, Mask::causal},
                                              {1, 49, 2, 32, Mask::none},   {3, 64, 2, 1, Mask::causal}};

Operation attention_append(std::size_t heads, std::size_t past) {
    return {"attention_append", "qkv -> keys values y",
            [=](auto on, auto& a) { on.attention_append(a["qkv"], heads, past, a["keys"], a["values"], a["y"]); }};
}

/// y of the same tokens, `some` at a time, with room for two more; what is not written yet is NaN.
Tensor<double> appended(const Backend& on, const AttentionSizes& size, const Tensor<double>& qkv, std::size_t some) {
    const std::size_t B = size.batch, T = size.tokens, C = size.width();
    const double nan = std::numeric_limits<double>::quiet_NaN();
    Values values{{"keys", full<double>({B, C, T + 2}, nan)}, {"values", full<double>({B, T + 2, C}, nan)}};
    Tensor<double> y(Shape{B, T, C});
    for (std::size_t past = 0; past < T; past += some) {
        const std::size_t count = std::min(some, T - past);
        Tensor<double>& part = values["qkv"] = Tensor<double>(Shape{B, count, 3 * C});
        values["y"] = full<double>({3}, 7);
        for (std::size_t b = 0; b < B; ++b) { std::copy_n(&qkv(b, past, 0), count * 3 * C, &part(b, 0, 0)); }
        attention_append(size.heads, past)(on, values);
        for (std::size_t b = 0; b < B; ++b) { std::copy_n(&values["y"](b, 0, 0), count * C, &y(b, past, 0)); }
    }
    return y;
}

} // namespace

HANDGRAD_TEST_OPERATION("attention", tested_attention())

HANDGRAD_TEST_ON_BACKENDS("attention: by the formula, in dirty buffers", "[ops][attention]") {
    for (const AttentionSizes& size : attention_sizes) {
        INFO(size.text());
        Values values = size.example().values;
        values["dy"] = normal_numbers<double>({size.batch, size.tokens, size.width()}, 2);
        const ExpectedAttention expected(size, values["qkv"], values["dy"]);
        for (const char* result : {"y", "p", "dqkv"}) { values[result] = full<double>({2, 2}, 7); }
        const Values got = attention(size.heads, size.mask)(on, values);
        for (const auto& [name, right] : {std::pair<const char*, const Tensor<double>&>{"y", expected.y},
                                          {"p", expected.p},
                                          {"dqkv", expected.dqkv}}) {
            INFO(name);
            CHECK(difference(got.at(name), right) <= 20 * on.rounding());
        }
    }
}

HANDGRAD_TEST_ON_BACKENDS("attention: a token sees itself and no later one, a head sees no other head",
                          "[ops][attention]") {
    const AttentionSizes size{2, 30, 2, 16, Mask::causal};
    const std::size_t T = size.tokens, D = size.features, C = size.width();
    const Chain chain = attention(size.heads, size.mask);
    Values values = size.example().values;
    values["dy"] = normal_numbers<double>({size.batch, T, C}, 2);
    const Values got = chain(on, values);
    const Tensor<double>& p = got.at("p");
    for (std::size_t t = 0; t < T; ++t) {
        double sum = 0;
        for (std::size_t s = 0; s < T; ++s) { sum += p(1, 1, t, s); }
        CHECK(std::abs(sum - 1) <= 10 * on.rounding());
        CHECK(p(1, 1, t, t) > 0);
        CHECK(std::all_of(&p(1, 1, t, 0) + t + 1, &p(1, 1, t, 0) + T, [](double weight) { return weight == 0; }));
    }
    for (const std::size_t changed : {std::size_t(1), std::size_t(20), T - 1}) { // all of head 0's numbers of a token
        INFO("token " << changed);
        Values other = values;
        for (std::size_t part = 0; part < 3; ++part) {
            for (std::size_t c = 0; c < D; ++c) { other["qkv"](0, changed, part * C + c) += 1; }
        }
        const Tensor<double> y = chain(on, other).at("y");
        for (std::size_t b = 0; b < size.batch; ++b) {
            for (std::size_t t = 0; t < T; ++t) {
                for (std::size_t c = 0; c < C; ++c) {
                    const bool may_differ = b == 0 && t >= changed && c < D;
                    if (!may_differ || t == changed) { CHECK((y(b, t, c) == got.at("y")(b, t, c)) != may_differ); }
                }
            }
        }
    }
}

HANDGRAD_TEST_ON_BACKENDS("attention: tokens one after another have the results of all at once", "[ops][attention]") {
    for (const AttentionSizes& size : attention_sizes) {
        if (size.mask == Mask::none || size.tokens == 0 || size.batch == 0) { continue; }
        const Tensor<double> qkv = size.qkv(),
                             expected = attention(size.heads, Mask::causal)(on, {{"qkv", qkv}}).at("y");
        for (const std::size_t some : {std::size_t(1), std::size_t(5), size.tokens}) {
            INFO(size.text() << ", " << some << " at a time");
            const Tensor<double> y = appended(on, size, qkv, some);
            CHECK(difference(y, expected) <= 20 * on.rounding());
            const bool is_reference = on.number == reference_double.number;
            // The products of cpu are chains of the same multiply-adds, unless a head is too narrow for them.
            const bool same_chains = on.number == cpu_float.number || on.number == cpu_double.number;
            if (is_reference || (same_chains && cpu::fuses && size.features % 16 == 0)) {
                CHECK(same_bits(y, expected));
            }
        }
    }
}

HANDGRAD_TEST_ON_BACKENDS("attention_append: what it refuses", "[ops][attention]") {
    const auto refusal = [&](std::size_t past, const Shape& qkv, const Shape& keys, const Shape& values) {
        const auto t = [](const Shape& shape) { return zeros<double>(shape); };
        return attention_append(2, past).refusal(on, {{"qkv", t(qkv)}, {"keys", t(keys)}, {"values", t(values)}});
    };
    const std::string where = "attention_append: ";
    CHECK(refusal(3, {2, 5, 12}, {2, 4, 8}, {2, 8, 4}) == "");
    CHECK(refusal(8, {2, 0, 12}, {2, 4, 8}, {2, 8, 4}) == "");
    CHECK(refusal(4, {2, 5, 12}, {2, 4, 8}, {2, 8, 4}) ==
          where + "4 tokens are kept and qkv has 5 more, expected at most 8 together, the length of keys");
    CHECK(refusal(9, {2, 0, 12}, {2, 4, 8}, {2, 8, 4}) ==
          where + "9 tokens are kept and qkv has 0 more, expected at most 8 together, the length of keys");
    CHECK(refusal(0, {2, 5, 12}, {2, 8, 4}, {2, 8, 4}) == where + "keys has shape (2, 8, 4), expected (2, 4, 4)");
    CHECK(refusal(0, {2, 5, 12}, {2, 4, 8}, {2, 4, 8}) == where + "values has shape (2, 4, 8), expected (2, 8, 4)");
    CHECK(refusal(0, {2, 5, 12}, {4, 8}, {2, 8, 4}) ==
          where + "keys has shape (4, 8), expected 3 dimensions (B, C, length)");
    CHECK(refusal(0, {2, 5, 13}, {2, 4, 8}, {2, 8, 4}).find(where + "the last extent of qkv is 13") == 0);
    Values shared{
        {"qkv", zeros<double>({2, 4, 12})}, {"keys", zeros<double>({2, 4, 4})}, {"values", zeros<double>({2, 4, 4})}};
    CHECK_THROWS_AS(attention_append(2, 0).with_shared(on, shared, 1, 2, Accumulate::no), AliasError);
}

TEST_CASE("attention_append has the same bits on any number of threads", "[ops][attention]") {
    const AttentionSizes size{1, 300, 8, 64, Mask::causal};
    const Tensor<double> qkv = size.qkv();
    std::vector<Tensor<double>> results;
    for (const int threads : {1, 3}) {
        const Threads used(threads);
        results.push_back(appended(cpu_float, size, qkv, 150));
    }
    CHECK(same_bits(results[0], results[1]));
}

HANDGRAD_TEST_ON_BACKENDS("attention: scores as large as 10,000, and all alike", "[ops][attention]") {
    for (const double level : {0.0, 100.0}) {
        Tensor<double> qkv = full<double>({1, 20, 48}, level);
        for (std::size_t t = 0; t < 20; ++t) {
            for (std::size_t c = 32; c < 48; ++c) { qkv(0, t, c) = static_cast<double>(t); }
        }
        const Tensor<double> y = attention(1, Mask::causal)(on, {{"qkv", qkv}}).at("y");
        for (std::size_t t = 0; t < 20; ++t) { // the mean of 0 .. t
            CHECK(std::abs(y(0, t, 3) - static_cast<double>(t) / 2) <= 20 * on.rounding());
        }
    }
}

TEST_CASE("nn::CausalSelfAttention has GPT-2's parts, and is what it says", "[nn]") {
    Random random(1);
    nn::CausalSelfAttention<Cpu<double>> layer(6, 3, random);
    CHECK(layer.to_string() == "CausalSelfAttention(\n  (c_attn): Linear(in_features=6, out_features=18, bias=True)\n"
                               "  (c_proj): Linear(in_features=6, out_features=6, bias=True)\n)");
    CHECK(layer.output_shape({2, 4, 6}) == Shape{2, 4, 6});
    CHECK(message_of([&] { nn::CausalSelfAttention<Cpu<double>> none(6, 4, random); }) ==
          "CausalSelfAttention: heads is 4, expected a divisor of the width 6");
    const auto x = normal_numbers<double>({2, 4, 6}, 1), dy = normal_numbers<double>({2, 4, 6}, 2);
    const auto qkv = cpu::linear_forward(x, layer.c_attn.weight.value, layer.c_attn.bias.value);
    const auto [mixed, p] = cpu::attention_forward(qkv, 3, Mask::causal);
    CHECK(same_bits(layer.forward(x), cpu::linear_forward(mixed, layer.c_proj.weight.value, layer.c_proj.bias.value)));
    CHECK(same_bits(layer.probabilities(), p));
    Tensor<double> dmixed, dx, dw;
    cpu::linear_backward_input(dy, layer.c_proj.weight.value, dmixed);
    const auto dqkv = cpu::attention_backward(qkv, 3, Mask::causal, p, dmixed);
    cpu::linear_backward_input(dqkv, layer.c_attn.weight.value, dx);
    CHECK(same_bits(layer.backward(dy), dx));
    cpu::linear_backward_weight(x, dqkv, dw);
    CHECK(same_bits(layer.c_attn.weight.grad, dw));
}

TEST_CASE("nn::Linear without a bias has one parameter, and adds nothing", "[nn]") {
    Random random(1), same(1);
    nn::Linear<Cpu<double>> layer(5, 3, random, false), with_bias(5, 3, same);
    CHECK(layer.to_string() == "Linear(in_features=5, out_features=3, bias=False)");
    CHECK(layer.named_parameters().size() == 1);
    CHECK(same_bits(layer.weight.value, with_bias.weight.value));
    with_bias.bias.value.fill(0);
    const auto x = normal_numbers<double>({4, 5}, 1), dy = normal_numbers<double>({4, 3}, 2);
    CHECK(same_bits(layer.forward(x), with_bias.forward(x)));
    CHECK(same_bits(layer.backward(dy), with_bias.backward(dy)));
    CHECK(same_bits(layer.weight.grad, with_bias.weight.grad));
    CHECK(layer.bias.value.shape() == Shape{0});
}
