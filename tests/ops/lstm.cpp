// lstm: the entries of the cell and of sequences in the table of operations; by the formula; sequences against single
// steps; the path of the cell state; the layer.

#include <limits>

#include "catch.hpp"
#include "handgrad/backends/cpu.hpp"
#include "handgrad/nn/nn.hpp"
#include "ops/recurrent.hpp"

using namespace handgrad;
using namespace support;

namespace {

const Chain lstm_cell_chain{
    Operation::forward("lstm_cell_forward", "x h_prev c_prev w_ih w_hh b_ih b_hh -> h c gates",
                       [](auto on, auto& a) {
                           on.lstm_cell_forward(a["x"], a["h_prev"], a["c_prev"], a["w_ih"], a["w_hh"], a["b_ih"],
                                                a["b_hh"], a["h"], a["c"], a["gates"]);
                       }),
    {{"lstm_cell_backward_state", "w_hh c_prev gates c dh dc -> dz dh_prev dc_prev",
      [](auto on, auto& a) {
          on.lstm_cell_backward_state(a["w_hh"], a["c_prev"], a["gates"], a["c"], a["dh"], a["dc"], a["dz"],
                                      a["dh_prev"], a["dc_prev"]);
      }},
     {"lstm_backward_input", "dz w_ih -> dx",
      [](auto on, auto& a) { on.lstm_backward_input(a["dz"], a["w_ih"], a["dx"]); }},
     {"lstm_cell_backward_parameters", "x h_prev dz -> dw_ih+ dw_hh+ db_ih+ db_hh+", [](auto on, auto& a) {
          on.lstm_cell_backward_parameters(a["x"], a["h_prev"], a["dz"], a["dw_ih"], a["dw_hh"], a["db_ih"], a["db_hh"],
                                           a.mode);
      }}}};

const Chain lstm_chain{
    Operation::forward("lstm_forward", "x h_0 c_0 w_ih w_hh b_ih b_hh -> y c gates h_last c_last",
                       [](auto on, auto& a) {
                           on.lstm_forward(a["x"], a["h_0"], a["c_0"], a["w_ih"], a["w_hh"], a["b_ih"], a["b_hh"],
                                           a["y"], a["c"], a["gates"], a["h_last"], a["c_last"]);
                       }),
    {{"lstm_backward_state", "w_hh c_0 gates c dy -> dz dh_0 dc_0",
      [](auto on, auto& a) {
          on.lstm_backward_state(a["w_hh"], a["c_0"], a["gates"], a["c"], a["dy"], a["dz"], a["dh_0"], a["dc_0"]);
      }},
     {"lstm_backward_input", "dz w_ih -> dx",
      [](auto on, auto& a) { on.lstm_backward_input(a["dz"], a["w_ih"], a["dx"]); }},
     {"lstm_backward_parameters", "x h_0 y dz -> dw_ih+ dw_hh+ db_ih+ db_hh+", [](auto on, auto& a) {
          on.lstm_backward_parameters(a["x"], a["h_0"], a["y"], a["dz"], a["dw_ih"], a["dw_hh"], a["db_ih"], a["db_hh"],
                                      a.mode);
      }}}};

Example lstm_example(const RecurrentSizes& size) { return {size.text(), lstm_chain, size.values(4)}; }
Example lstm_cell_example(const RecurrentSizes& size) { return {size.text(), lstm_cell_chain, size.cell_values(4)}; }

std::vector<Refusal> lstm_refusals(bool is_cell) {
    const auto t = [](const Shape& shape) { return zeros<double>(shape); };
    const Chain& chain = is_cell ? lstm_cell_chain : lstm_chain;
    const RecurrentSizes size{2, is_cell ? std::size_t(1) : 5, 3, 4};
    const Values good = chain(
        reference_double, chain.with_upstream(is_cell ? size.cell_values(4) : size.values(4), normal_numbers<double>));
    const auto refused = [&](const Operation& operation, const std::string& changed, const Shape& shape,
                             const std::string& message) {
        Refusal refusal{operation, {}, message};
        for (const Operand& operand : operation.operands()) {
            if (!operand.is_result) { refusal.values[operand.name] = t(good.at(operand.name).shape()); }
        }
        refusal.values[changed] = t(shape);
        return refusal;
    };
    const Operation &forward = chain.forward, &state = chain.backward.front(), &parameters = chain.backward.back();
    if (is_cell) {
        return {refused(forward, "x", {2, 1, 3}, "x has shape (2, 1, 3), expected 2 dimensions (B, C)"),
                refused(forward, "h_prev", {3, 4}, "h_prev has shape (3, 4), expected (2, 4)"),
                refused(forward, "c_prev", {2, 5}, "c_prev has shape (2, 5), expected (2, 4)"),
                refused(state, "c_prev", {2, 5}, "c_prev has shape (2, 5), expected (2, 4)"),
                refused(state, "dc", {2, 16}, "dc has shape (2, 16), expected (2, 4)"),
                refused(parameters, "h_prev", {2, 1, 4}, "h_prev has shape (2, 1, 4), expected 2 dimensions (B, M)"),
                refused(parameters, "dz", {2, 4}, "dz has shape (2, 4), expected (2, 16)")};
    }
    return {refused(forward, "x", {5, 3}, "x has shape (5, 3), expected 3 dimensions (B, T, C)"),
            refused(forward, "h_0", {2, 16}, "h_0 has shape (2, 16), expected (2, 4)"),
            refused(forward, "c_0", {2, 1, 4}, "c_0 has shape (2, 1, 4), expected (2, 4)"),
            refused(forward, "w_ih", {3, 4}, "w_ih has shape (3, 4), expected (3, 16)"),
            refused(forward, "w_hh", {4, 4}, "w_hh has shape (4, 4), expected (4, 16)"),
            refused(forward, "w_hh", {16}, "w_hh has shape (16,), expected 2 dimensions (M, 4 M)"),
            refused(forward, "b_ih", {4}, "b_ih has shape (4,), expected (16,)"),
            refused(forward, "b_hh", {4}, "b_hh has shape (4,), expected (16,)"),
            refused(forward, "x", {2, 0, 3}, ""),
            refused(state, "c_0", {2, 5}, "c_0 has shape (2, 5), expected (2, 4)"),
            refused(state, "gates", {2, 5, 4}, "gates has shape (2, 5, 4), expected (2, 5, 16)"),
            refused(state, "c", {10, 4}, "c has shape (10, 4), expected 3 dimensions (B, T, M)"),
            refused(state, "dy", {2, 4}, "dy has shape (2, 4), expected (2, 5, 4)"),
            refused(parameters, "y", {2, 5, 16}, "y has shape (2, 5, 16), expected (2, 5, 4)"),
            refused(parameters, "dz", {2, 5, 4}, "dz has shape (2, 5, 4), expected (2, 5, 16)")};
}

Tested tested_lstm_cell() {
    Tested t;
    t.name = "lstm_cell";
    t.is_exact = false;
    t.folds_rows = false;
    t.batch = [](std::size_t n) { return lstm_cell_example({n, 1, 3, 2}); };
    t.forms = {
        {"lstm_cell_forward", "x h_prev c_prev w_ih w_hh b_ih b_hh -> h c gates",
         [](auto on, auto& a) {
             auto r =
                 on.lstm_cell_forward(a["x"], a["h_prev"], a["c_prev"], a["w_ih"], a["w_hh"], a["b_ih"], a["b_hh"]);
             a["h"] = r.h, a["c"] = r.c, a["gates"] = r.gates;
         }},
        {"lstm_cell_backward", "x h_prev c_prev w_ih w_hh gates c dh dc -> dx dh_prev dc_prev dw_ih dw_hh db_ih db_hh",
         [](auto on, auto& a) {
             auto g = on.lstm_cell_backward(a["x"], a["h_prev"], a["c_prev"], a["w_ih"], a["w_hh"], a["gates"], a["c"],
                                            a["dh"], a["dc"]);
             a["dx"] = g.dx, a["dh_prev"] = g.dh_prev, a["dc_prev"] = g.dc_prev, a["dw_ih"] = g.dw_ih;
             a["dw_hh"] = g.dw_hh, a["db_ih"] = g.db_ih, a["db_hh"] = g.db_hh;
         }}};
    t.refusals = [] { return lstm_refusals(true); };
    t.gradients = [] { return std::vector<Example>{lstm_cell_example({3, 1, 4, 3}), lstm_cell_example({2, 1, 2, 9})}; };
    t.mistakes = {{"dc_prev", "the forget gate is missing",
                   [](const Backend&, const Chain&, const Values& v) {
                       Tensor<double> wrong = v.at("dc_prev");
                       const std::size_t M = wrong.shape(1);
                       for (std::size_t i = 0; i < wrong.size(); ++i) {
                           wrong.data()[i] /= v.at("gates")(i / M, M + i % M);
                       }
                       return wrong;
                   }},
                  {"dc_prev", "the path through h is missing",
                   [](const Backend&, const Chain&, const Values& v) {
                       Tensor<double> wrong = v.at("dc");
                       const std::size_t M = wrong.shape(1);
                       for (std::size_t i = 0; i < wrong.size(); ++i) {
                           wrong.data()[i] *= v.at("gates")(i / M, M + i % M);
                       }
                       return wrong;
                   }},
                  {"dh_prev", "the gradient of c is forgotten", [](const Backend& on, const Chain& chain, Values v) {
                       v["dc"].fill(0);
                       return chain(on, v).at("dh_prev");
                   }}};
    t.large = [] { return std::vector<Example>{lstm_cell_example({70, 1, 33, 40})}; };
    t.cases = 4;
    return t;
}

Tested tested_lstm() {
    Tested t;
    t.name = "lstm";
    t.is_exact = false;
    t.folds_rows = false; // the axis of the tokens is no other row
    t.batch = [](std::size_t n) { return lstm_example({n, 3, 3, 2}); };
    t.forms = {{"lstm_forward", "x h_0 c_0 w_ih w_hh b_ih b_hh -> y c gates h_last c_last",
                [](auto on, auto& a) {
                    auto r = on.lstm_forward(a["x"], a["h_0"], a["c_0"], a["w_ih"], a["w_hh"], a["b_ih"], a["b_hh"]);
                    a["y"] = r.y, a["c"] = r.c, a["gates"] = r.gates, a["h_last"] = r.h_last, a["c_last"] = r.c_last;
                }},
               {"lstm_backward", "x h_0 c_0 w_ih w_hh gates y c dy -> dx dh_0 dc_0 dw_ih dw_hh db_ih db_hh",
                [](auto on, auto& a) {
                    auto g = on.lstm_backward(a["x"], a["h_0"], a["c_0"], a["w_ih"], a["w_hh"], a["gates"], a["y"],
                                              a["c"], a["dy"]);
                    a["dx"] = g.dx, a["dh_0"] = g.dh_prev, a["dc_0"] = g.dc_prev, a["dw_ih"] = g.dw_ih;
                    a["dw_hh"] = g.dw_hh, a["db_ih"] = g.db_ih, a["db_hh"] = g.db_hh;
                }}};
    t.refusals = [] { return lstm_refusals(false); };
    t.gradients = [] {
        return std::vector<Example>{lstm_example({2, 6, 3, 3}), lstm_example({1, 5, 2, 9}), lstm_example({3, 1, 1, 1})};
    };
    t.mistakes = {of_several_steps("dw_ih", "no step passes a gradient back to the one before", without_steps_before),
                  of_several_steps("dx", "the loss of the last step is forgotten",
                                   [](const Backend& on, const Chain& chain, const Values& v) {
                                       const std::size_t last = RecurrentSizes::of(v).tokens - 1;
                                       return with_other_dy(on, chain, v, "dx",
                                                            [=](std::size_t step) { return step == last ? 0 : 1; });
                                   }),
                  of_several_steps("dc_0", "only the last step's loss is there",
                                   [](const Backend& on, const Chain& chain, const Values& v) {
                                       const std::size_t last = RecurrentSizes::of(v).tokens - 1;
                                       return with_other_dy(on, chain, v, "dc_0",
                                                            [=](std::size_t step) { return step == last ? 1 : 0; });
                                   }),
                  {"dw_hh", "the gates i and f are exchanged", [](const Backend&, const Chain&, const Values& v) {
                       Tensor<double> wrong = v.at("dw_hh");
                       const std::size_t M = wrong.shape(0);
                       for (std::size_t j = 0; j < M; ++j) {
                           for (std::size_t k = 0; k < M; ++k) { std::swap(wrong(j, k), wrong(j, M + k)); }
                       }
                       return wrong;
                   }}};
    t.large = [] { return std::vector<Example>{lstm_example({37, 5, 20, 33}), lstm_example({20, 4, 3, 5})}; };
    t.threads_on_device = true;
    t.cases = 4;
    return t;
}

/// What lstm and its gradients are by the definition, in long double, sequence by sequence.
struct ExpectedLstm {
    Values results;
    ExpectedLstm(const RecurrentSizes& size, const Values& v) {
        using Number = long double;
        const std::size_t T = size.tokens, C = size.inputs, M = size.hidden, G = 4 * M;
        const auto number = [&](const char* name, std::size_t i) { return static_cast<Number>(v.at(name).data()[i]); };
        const auto sigmoid = [](Number z) { return 1 / (1 + std::exp(-z)); };
        std::map<std::string, std::vector<Number>> sums;
        const auto prepare = [&](const std::string& name, const Shape& shape) {
            sums[name].resize(count(shape));
            results[name] = zeros<double>(shape);
        };
        for (const char* name : {"x", "h_0", "c_0", "w_ih", "w_hh", "b_ih", "b_hh"}) {
            prepare(std::string("d") + name, v.at(name).shape());
        }
        for (const char* name : {"y", "c"}) { prepare(name, {size.batch, T, M}); }
        for (const char* name : {"gates", "dz"}) { prepare(name, {size.batch, T, G}); }
        for (const char* name : {"h_last", "c_last"}) { prepare(name, {size.batch, M}); }
        auto &h = sums["y"], &c = sums["c"], &gates = sums["gates"], &dz = sums["dz"];
        for (std::size_t b = 0; b < size.batch; ++b) {
            const auto before = [&](const std::vector<Number>& states, const char* initial, std::size_t t,
                                    std::size_t j) {
                return t == 0 ? number(initial, b * M + j) : states[(b * T + t - 1) * M + j];
            };
            for (std::size_t t = 0; t < T; ++t) {
                const std::size_t n = b * T + t;
                for (std::size_t k = 0; k < G; ++k) {
                    Number z = number("b_ih", k) + number("b_hh", k);
                    for (std::size_t i = 0; i < C; ++i) { z += number("x", n * C + i) * number("w_ih", i * G + k); }
                    for (std::size_t j = 0; j < M; ++j) { z += before(h, "h_0", t, j) * number("w_hh", j * G + k); }
                    gates[n * G + k] = k >= 2 * M && k < 3 * M ? std::tanh(z) : sigmoid(z);
                }
                for (std::size_t k = 0; k < M; ++k) {
                    const Number* gate = &gates[n * G + k];
                    c[n * M + k] = gate[M] * before(c, "c_0", t, k) + gate[0] * gate[2 * M];
                    h[n * M + k] = gate[3 * M] * std::tanh(c[n * M + k]);
                }
            }
            std::vector<Number> dh(M), dc(M); // from the next step
            for (std::size_t k = 0; k < M; ++k) {
                sums["h_last"][b * M + k] = before(h, "h_0", T, k);
                sums["c_last"][b * M + k] = before(c, "c_0", T, k);
            }
            for (std::size_t t = T; t-- > 0;) {
                const std::size_t n = b * T + t;
                for (std::size_t k = 0; k < M; ++k) {
                    const Number *gate = &gates[n * G + k], i = gate[0], f = gate[M], g = gate[2 * M], o = gate[3 * M];
                    const Number bent = std::tanh(c[n * M + k]), all = number("dy", n * M + k) + dh[k];
                    dc[k] += all * o * (1 - bent * bent);
                    dz[n * G + k] = dc[k] * g * i * (1 - i);
                    dz[n * G + M + k] = dc[k] * before(c, "c_0", t, k) * f * (1 - f);
                    dz[n * G + 2 * M + k] = dc[k] * i * (1 - g * g);
                    dz[n * G + 3 * M + k] = all * bent * o * (1 - o);
                    dc[k] *= f;
                }
                std::fill(dh.begin(), dh.end(), Number(0));
                for (std::size_t k = 0; k < G; ++k) {
                    const Number d = dz[n * G + k];
                    sums["db_ih"][k] += d;
                    sums["db_hh"][k] += d;
                    for (std::size_t i = 0; i < C; ++i) {
                        sums["dx"][n * C + i] += d * number("w_ih", i * G + k);
                        sums["dw_ih"][i * G + k] += number("x", n * C + i) * d;
                    }
                    for (std::size_t j = 0; j < M; ++j) {
                        dh[j] += d * number("w_hh", j * G + k);
                        sums["dw_hh"][j * G + k] += before(h, "h_0", t, j) * d;
                    }
                }
            }
            for (std::size_t k = 0; k < M; ++k) {
                sums["dh_0"][b * M + k] = dh[k];
                sums["dc_0"][b * M + k] = dc[k];
            }
        }
        for (auto& [name, result] : results) {
            std::transform(sums[name].begin(), sums[name].end(), result.data(),
                           [](Number sum) { return static_cast<double>(sum); });
        }
    }
};

} // namespace

HANDGRAD_TEST_OPERATION("lstm_cell", tested_lstm_cell())
HANDGRAD_TEST_OPERATION("lstm", tested_lstm())

HANDGRAD_TEST_ON_BACKENDS("lstm: by the formula, in dirty buffers", "[ops][lstm]") {
    for (const RecurrentSizes& size : recurrent_sizes) {
        INFO(size.text());
        Values values = size.values(4);
        values["dy"] = normal_numbers<double>({size.batch, size.tokens, size.hidden}, 8);
        const ExpectedLstm expected(size, values);
        for (const auto& [name, right] : expected.results) { values[name] = full<double>({2, 2}, 7); }
        const Values got = lstm_chain(on, values);
        for (const auto& [name, right] : expected.results) {
            INFO(name);
            CHECK(difference(got.at(name), right) <= 20 * on.rounding());
        }
    }
}

HANDGRAD_TEST_ON_BACKENDS("lstm: T steps of the cell, forward and backward, are the sequence", "[ops][lstm]") {
    const RecurrentSizes size{3, 6, 4, 5};
    Values sequence = size.values(4);
    sequence["dy"] = normal_numbers<double>({size.batch, size.tokens, size.hidden}, 8);
    sequence = lstm_chain(on, sequence);
    Values v = size.cell_values(4);
    std::vector<Values> steps;
    for (std::size_t t = 0; t < size.tokens; ++t) {
        v["x"] = token(size.values(4).at("x"), t);
        lstm_cell_chain.forward(on, v);
        steps.push_back(v);
        v["h_prev"] = v.at("h");
        v["c_prev"] = v.at("c");
        for (const auto& [ours, theirs] : {std::pair{"h", "y"}, std::pair{"c", "c"}, std::pair{"gates", "gates"}}) {
            CHECK(difference(v.at(ours), token(sequence.at(theirs), t)) <= on.rounding());
        }
    }
    CHECK(same_bits(sequence.at("h_last"), token(sequence.at("y"), size.tokens - 1)));
    CHECK(same_bits(sequence.at("c_last"), token(sequence.at("c"), size.tokens - 1)));
    Values sums = zero_gradients(v);
    Tensor<double> dh_next = zeros<double>({size.batch, size.hidden}), dc_next = dh_next;
    for (std::size_t t = size.tokens; t-- > 0;) {
        Values& step = steps[t];
        step["dh"] = token(sequence.at("dy"), t) + dh_next;
        step["dc"] = dc_next;
        for (const auto& [name, sum] : sums) { step[name] = sum; }
        for (const Operation& each : lstm_cell_chain.backward) { each(on, step, Accumulate::yes); }
        for (auto& [name, sum] : sums) { sum = step.at(name); }
        dh_next = step.at("dh_prev");
        dc_next = step.at("dc_prev");
        CHECK(difference(step.at("dx"), token(sequence.at("dx"), t)) <= on.rounding());
    }
    CHECK(difference(dh_next, sequence.at("dh_0")) <= on.rounding());
    CHECK(difference(dc_next, sequence.at("dc_0")) <= on.rounding());
    for (const auto& [name, sum] : sums) { CHECK(difference(sum, sequence.at(name)) <= on.rounding()); }
}

HANDGRAD_TEST_ON_BACKENDS("lstm: open forget gates carry the cell state over 100 steps, forward and backward",
                          "[ops][lstm]") {
    // Without weights the gates are those of the biases: f = sigmoid(6) = 0.9975, i = sigmoid(-40) = 0, o = sigmoid(3).
    const RecurrentSizes size{1, 100, 1, 2};
    Values v = size.values(4);
    for (const char* name : {"w_ih", "w_hh", "b_hh"}) { v[name].fill(0); }
    v["b_ih"] = Tensor<double>{-40, -40, 6, 6, 0, 0, 3, 3};
    v["dy"] = zeros<double>({1, 100, 2});
    v["dy"](0, 99, 0) = 1;
    const Values got = lstm_chain(on, v);
    const double f = std::pow(1 / (1 + std::exp(-6.0)), 100), o = 1 / (1 + std::exp(-3.0));
    for (std::size_t k = 0; k < 2; ++k) {
        CHECK(std::abs(got.at("c_last")(0, k) - f * v.at("c_0")(0, k)) <= 20 * on.rounding());
    }
    const double bent = std::tanh(f * v.at("c_0")(0, 0));
    CHECK(std::abs(got.at("dc_0")(0, 0) - f * o * (1 - bent * bent)) <= 20 * on.rounding());
    CHECK(got.at("dc_0")(0, 0) > 0.3);
    CHECK(got.at("dc_0")(0, 1) == 0); // no loss
}

HANDGRAD_TEST_ON_BACKENDS("lstm and rnn: scores of 1,000 saturate, and nothing overflows", "[ops][lstm][rnn]") {
    const RecurrentSizes size{2, 3, 2, 9};
    for (const double sign : {1.0, -1.0}) {
        Values v = size.values(4);
        v["b_ih"].fill(1000 * sign);
        v["dy"] = full<double>({2, 3, 9}, 1);
        const Values got = lstm_chain(on, v);
        for (const double gate : got.at("gates").storage()) { CHECK((gate == sign || gate == 0)); }
        for (const double dz : got.at("dz").storage()) { CHECK(dz == 0); }
        for (const double c : got.at("c").storage()) { CHECK(std::isfinite(c)); }
    }
}

HANDGRAD_TEST_ON_BACKENDS("lstm: a gate is the sigmoid of its score, to a few ulps, from -800 to 800", "[ops][lstm]") {
    const RecurrentSizes size{1, 1, 1, 201};
    Values v = size.values(4);
    for (const char* name : {"w_ih", "w_hh", "b_hh"}) { v[name].fill(0); }
    for (std::size_t k = 0; k < 201; ++k) {
        v["b_ih"](k) = 8 * static_cast<double>(k) - 800;                   // of the input gate
        v["b_ih"](201 + k) = (static_cast<double>(k) - 100) / 16;          // of the forget gate
        v["b_ih"](3 * 201 + k) = std::numeric_limits<double>::quiet_NaN(); // of the output gate
    }
    const Values got = lstm_chain(on, v);
    for (std::size_t k = 0; k < 2 * 201; ++k) {
        const long double right = 1 / (1 + std::exp(-static_cast<long double>(v.at("b_ih")(k))));
        const double gate = got.at("gates")(0, 0, k);
        CHECK(std::abs(static_cast<double>(gate - right)) <=
              4 * on.epsilon() * static_cast<double>(right) + 4 * on.min());
    }
    CHECK(std::isnan(got.at("gates")(0, 0, 3 * 201)));
    CHECK(std::isnan(got.at("y")(0, 0, 200)));
}

TEMPLATE_TEST_CASE("nn::LSTM has PyTorch's parameters, and is what it says", "[nn]", HANDGRAD_TWO_BACKENDS) {
    using B = TestType;
    using T = typename B::Scalar;
    Random random(1), same(1);
    nn::LSTM<B> layer(3, 4, random);
    CHECK(layer.to_string() == "LSTM(3, 4, batch_first=True)");
    CHECK(layer.output_shape({2, 6, 3}) == Shape{2, 6, 4});
    const auto named = layer.named_parameters();
    const std::vector<std::pair<std::string, Shape>> expected{
        {"weight_ih", {3, 16}}, {"weight_hh", {4, 16}}, {"bias_ih", {16}}, {"bias_hh", {16}}};
    REQUIRE(named.size() == expected.size());
    for (std::size_t i = 0; i < named.size(); ++i) {
        Tensor<T> start(expected[i].second);
        uniform_(start, -0.5, 0.5, same); // 1/sqrt(M)
        CHECK(named[i].first == expected[i].first);
        CHECK(same_bits(named[i].second->value, start));
    }
    CHECK(message_of([&] { nn::LSTM<B> none(3, 0, random); }) == "LSTM: hidden_size is 0, expected at least 1");

    const auto x = normal_numbers<T>({2, 6, 3}, 1), dy = normal_numbers<T>({2, 6, 4}, 2);
    const auto h_0 = normal_numbers<T>({2, 4}, 3), c_0 = normal_numbers<T>({2, 4}, 4), none = zeros<T>({2, 4});
    for (const bool is_set : {false, true, false}) {
        INFO("with states that were set: " << is_set);
        is_set ? layer.set_state(h_0, c_0) : layer.reset_state();
        layer.zero_grad();
        const Tensor<T>&h_start = is_set ? h_0 : none, &c_start = is_set ? c_0 : none;
        Tensor<T> y, c, gates, h_last, c_last, dz, dh_0, dc_0, dx, dw_ih, dw_hh, db_ih, db_hh;
        B::lstm_forward(x, h_start, c_start, named[0].second->value, named[1].second->value, named[2].second->value,
                        named[3].second->value, y, c, gates, h_last, c_last);
        B::lstm_backward_state(named[1].second->value, c_start, gates, c, dy, dz, dh_0, dc_0);
        B::lstm_backward_parameters(x, h_start, y, dz, dw_ih, dw_hh, db_ih, db_hh);
        B::lstm_backward_input(dz, named[0].second->value, dx);
        CHECK(same_bits(layer.forward(x), y));
        CHECK(same_bits(layer.last_state(), h_last));
        CHECK(same_bits(layer.last_cell_state(), c_last));
        CHECK(same_bits(layer.cell_states(), c));
        CHECK(same_bits(layer.gates(), gates));
        if (is_set) { layer.set_state(layer.last_state(), layer.last_cell_state()); } // backward is of this forward
        CHECK(same_bits(layer.backward(dy), dx));
        CHECK(same_bits(layer.initial_state_gradient(), dh_0));
        CHECK(same_bits(layer.initial_cell_state_gradient(), dc_0));
        const Tensor<T>* gradients[] = {&dw_ih, &dw_hh, &db_ih, &db_hh};
        for (std::size_t i = 0; i < 4; ++i) { CHECK(same_bits(named[i].second->grad, *gradients[i])); }
        if (is_set) { continue; }
        layer.forward(x);
        layer.backward(dy); // adds the same once more
        for (std::size_t i = 0; i < 4; ++i) {
            CHECK(same_bits(named[i].second->grad, Tensor<T>(T(2) * *gradients[i])));
        }
    }
    layer.set_state(h_0, normal_numbers<T>({3, 4}, 3));
    CHECK(message_of([&] { layer.forward(x); }) == "lstm_forward: c_0 has shape (3, 4), expected (2, 4)");
}
