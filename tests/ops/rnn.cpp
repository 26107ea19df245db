// rnn: the entries of the cell and of sequences in the table of operations; by the formula; sequences against single
// steps; the layer.

#include "catch.hpp"
#include "handgrad/backends/cpu.hpp"
#include "handgrad/nn/nn.hpp"
#include "ops/recurrent.hpp"

using namespace handgrad;
using namespace support;

namespace {

const Chain rnn_cell_chain{
    Operation::forward("rnn_cell_forward", "x h_prev w_ih w_hh b_ih b_hh -> h",
                       [](auto on, auto& a) {
                           on.rnn_cell_forward(a["x"], a["h_prev"], a["w_ih"], a["w_hh"], a["b_ih"], a["b_hh"], a["h"]);
                       }),
    {{"rnn_cell_backward_state", "w_hh h dh -> dz dh_prev",
      [](auto on, auto& a) { on.rnn_cell_backward_state(a["w_hh"], a["h"], a["dh"], a["dz"], a["dh_prev"]); }},
     {"rnn_backward_input", "dz w_ih -> dx",
      [](auto on, auto& a) { on.rnn_backward_input(a["dz"], a["w_ih"], a["dx"]); }},
     {"rnn_cell_backward_parameters", "x h_prev dz -> dw_ih+ dw_hh+ db_ih+ db_hh+", [](auto on, auto& a) {
          on.rnn_cell_backward_parameters(a["x"], a["h_prev"], a["dz"], a["dw_ih"], a["dw_hh"], a["db_ih"], a["db_hh"],
                                          a.mode);
      }}}};

const Chain rnn_chain{
    Operation::forward("rnn_forward", "x h_0 w_ih w_hh b_ih b_hh -> y h_last",
                       [](auto on, auto& a) {
                           on.rnn_forward(a["x"], a["h_0"], a["w_ih"], a["w_hh"], a["b_ih"], a["b_hh"], a["y"],
                                          a["h_last"]);
                       }),
    {{"rnn_backward_state", "w_hh y dy -> dz dh_0",
      [](auto on, auto& a) { on.rnn_backward_state(a["w_hh"], a["y"], a["dy"], a["dz"], a["dh_0"]); }},
     {"rnn_backward_input", "dz w_ih -> dx",
      [](auto on, auto& a) { on.rnn_backward_input(a["dz"], a["w_ih"], a["dx"]); }},
     {"rnn_backward_parameters", "x h_0 y dz -> dw_ih+ dw_hh+ db_ih+ db_hh+", [](auto on, auto& a) {
          on.rnn_backward_parameters(a["x"], a["h_0"], a["y"], a["dz"], a["dw_ih"], a["dw_hh"], a["db_ih"], a["db_hh"],
                                     a.mode);
      }}}};

Example rnn_example(const RecurrentSizes& size) { return {size.text(), rnn_chain, size.values(1)}; }
Example rnn_cell_example(const RecurrentSizes& size) { return {size.text(), rnn_cell_chain, size.cell_values(1)}; }

std::vector<Refusal> rnn_cell_refusals() {
    const auto t = [](const Shape& shape) { return zeros<double>(shape); };
    const auto forward = [&](const std::string& changed, const Shape& shape, const std::string& message) {
        Refusal refusal{rnn_cell_chain.forward, RecurrentSizes{2, 1, 3, 4}.cell_values(1), message};
        refusal.values[changed] = t(shape);
        return refusal;
    };
    const auto state = [&](const Shape& w_hh, const Shape& h, const Shape& dh, const std::string& message) {
        return Refusal{
            rnn_cell_chain["rnn_cell_backward_state"], {{"w_hh", t(w_hh)}, {"h", t(h)}, {"dh", t(dh)}}, message};
    };
    const auto parameters = [&](const Shape& x, const Shape& h_prev, const Shape& dz, const std::string& message) {
        return Refusal{rnn_cell_chain["rnn_cell_backward_parameters"],
                       {{"x", t(x)}, {"h_prev", t(h_prev)}, {"dz", t(dz)}},
                       message};
    };
    return {forward("x", {2, 1, 3}, "x has shape (2, 1, 3), expected 2 dimensions (B, C)"),
            forward("h_prev", {2, 3}, "h_prev has shape (2, 3), expected (2, 4)"),
            forward("h_prev", {1, 4}, "h_prev has shape (1, 4), expected (2, 4)"),
            forward("w_ih", {4, 3}, "w_ih has shape (4, 3), expected (3, 4)"),
            forward("w_hh", {4, 5}, "w_hh has shape (4, 5), expected (4, 4)"),
            forward("w_hh", {16}, "w_hh has shape (16,), expected 2 dimensions (M, M)"),
            forward("b_ih", {3}, "b_ih has shape (3,), expected (4,)"),
            forward("b_hh", {1, 4}, "b_hh has shape (1, 4), expected (4,)"),
            state({4, 4}, {2, 3}, {2, 3}, "h has shape (2, 3), expected (2, 4)"),
            state({4, 4}, {2, 1, 4}, {2, 1, 4}, "h has shape (2, 1, 4), expected 2 dimensions (B, M)"),
            state({4, 4}, {2, 4}, {1, 4}, "dh has shape (1, 4), expected (2, 4)"),
            state({4, 4}, {2, 4}, {2, 4}, ""),
            parameters({2, 1, 3}, {2, 4}, {2, 4}, "x has shape (2, 1, 3), expected 2 dimensions (B, C)"),
            parameters({2, 3}, {8}, {2, 4}, "h_prev has shape (8,), expected 2 dimensions (B, M)"),
            parameters({2, 3}, {3, 4}, {2, 4}, "h_prev has shape (3, 4), expected (2, 4)"),
            parameters({2, 3}, {2, 4}, {2, 5}, "dz has shape (2, 5), expected (2, 4)")};
}

std::vector<Refusal> rnn_refusals() {
    const auto t = [](const Shape& shape) { return zeros<double>(shape); };
    const auto forward = [&](const std::string& changed, const Shape& shape, const std::string& message) {
        Refusal refusal{rnn_chain.forward, RecurrentSizes{2, 5, 3, 4}.values(1), message};
        refusal.values[changed] = t(shape);
        return refusal;
    };
    const auto parameters = [&](const Shape& x, const Shape& h_0, const Shape& y, const Shape& dz,
                                const std::string& message, const std::string& added = "", const Shape& to = {}) {
        Refusal refusal{
            rnn_chain["rnn_backward_parameters"], {{"x", t(x)}, {"h_0", t(h_0)}, {"y", t(y)}, {"dz", t(dz)}}, message};
        if (!added.empty()) {
            for (const auto& [name, shape] :
                 std::map<std::string, Shape>{{"dw_ih", {3, 4}}, {"dw_hh", {4, 4}}, {"db_ih", {4}}, {"db_hh", {4}}}) {
                refusal.values[name] = t(name == added ? to : shape);
            }
        }
        return refusal;
    };
    const Shape x{2, 5, 3}, h_0{2, 4}, y{2, 5, 4};
    return {forward("x", {5, 3}, "x has shape (5, 3), expected 3 dimensions (B, T, C)"),
            forward("h_0", {2, 1, 4}, "h_0 has shape (2, 1, 4), expected (2, 4)"),
            forward("w_ih", {2, 4}, "w_ih has shape (2, 4), expected (3, 4)"),
            forward("x", {2, 0, 3}, ""),
            {rnn_chain["rnn_backward_state"],
             {{"w_hh", t({4, 4})}, {"y", t({10, 4})}, {"dy", t({10, 4})}},
             "y has shape (10, 4), expected 3 dimensions (B, T, M)"},
            {rnn_chain["rnn_backward_state"],
             {{"w_hh", t({3, 4})}, {"y", t(y)}, {"dy", t(y)}},
             "w_hh has shape (3, 4), expected (3, 3)"},
            parameters(x, h_0, {2, 4, 4}, y, "y has shape (2, 4, 4), expected (2, 5, 4)"),
            parameters(x, h_0, y, {2, 4, 4}, "dz has shape (2, 4, 4), expected (2, 5, 4)"),
            parameters(x, {2, 5}, y, y, "dz has shape (2, 5, 4), expected (2, 5, 5)"),
            parameters(x, h_0, y, y, "dw_ih has shape (3, 3), expected (3, 4)", "dw_ih", {3, 3}),
            parameters(x, h_0, y, y, "dw_hh has shape (3, 4), expected (4, 4)", "dw_hh", {3, 4}),
            parameters(x, h_0, y, y, "db_ih has shape (5,), expected (4,)", "db_ih", {5}),
            parameters(x, h_0, y, y, "db_hh has shape (5,), expected (4,)", "db_hh", {5})};
}

Tested tested_rnn_cell() {
    Tested t;
    t.name = "rnn_cell";
    t.is_exact = false;
    t.folds_rows = false;
    t.batch = [](std::size_t n) { return rnn_cell_example({n, 1, 4, 4}); };
    t.forms = {
        {"rnn_cell_forward", "x h_prev w_ih w_hh b_ih b_hh -> h",
         [](auto on, auto& a) {
             a["h"] = on.rnn_cell_forward(a["x"], a["h_prev"], a["w_ih"], a["w_hh"], a["b_ih"], a["b_hh"]);
         }},
        {"rnn_cell_backward", "x h_prev w_ih w_hh h dh -> dx dh_prev dw_ih dw_hh db_ih db_hh", [](auto on, auto& a) {
             auto g = on.rnn_cell_backward(a["x"], a["h_prev"], a["w_ih"], a["w_hh"], a["h"], a["dh"]);
             a["dx"] = g.dx, a["dh_prev"] = g.dh_prev, a["dw_ih"] = g.dw_ih, a["dw_hh"] = g.dw_hh;
             a["db_ih"] = g.db_ih, a["db_hh"] = g.db_hh;
         }}};
    t.refusals = rnn_cell_refusals;
    t.gradients = [] { return std::vector<Example>{rnn_cell_example({3, 1, 4, 5}), rnn_cell_example({2, 1, 2, 9})}; };
    t.mistakes = {{"dh_prev", "w_hh is not transposed",
                   [](const Backend&, const Chain&, const Values& v) {
                       const Tensor<double>&w = v.at("w_hh"), &dz = v.at("dz");
                       Tensor<double> wrong = zeros<double>(dz.shape());
                       for (std::size_t b = 0; b < dz.shape(0); ++b) {
                           for (std::size_t k = 0; k < w.shape(0); ++k) {
                               for (std::size_t j = 0; j < w.shape(0); ++j) { wrong(b, j) += dz(b, k) * w(k, j); }
                           }
                       }
                       return wrong;
                   }},
                  {"db_hh", "the derivative of tanh is missing", [](const Backend&, const Chain&, const Values& v) {
                       Tensor<double> wrong = zeros<double>(v.at("b_hh").shape());
                       for (std::size_t i = 0; i < v.at("dh").size(); ++i) {
                           wrong(i % wrong.size()) += v.at("dh").data()[i];
                       }
                       return wrong;
                   }}};
    t.large = [] { return std::vector<Example>{rnn_cell_example({70, 1, 33, 40})}; };
    t.cases = 4;
    return t;
}

Tested tested_rnn() {
    Tested t;
    t.name = "rnn";
    t.is_exact = false;
    t.folds_rows = false; // the axis of the tokens is no other row
    t.batch = [](std::size_t n) { return rnn_example({n, 3, 4, 4}); };
    t.forms = {{"rnn_forward", "x h_0 w_ih w_hh b_ih b_hh -> y h_last",
                [](auto on, auto& a) {
                    auto r = on.rnn_forward(a["x"], a["h_0"], a["w_ih"], a["w_hh"], a["b_ih"], a["b_hh"]);
                    a["y"] = r.y, a["h_last"] = r.h_last;
                }},
               {"rnn_backward", "x h_0 w_ih w_hh y dy -> dx dh_0 dw_ih dw_hh db_ih db_hh", [](auto on, auto& a) {
                    auto g = on.rnn_backward(a["x"], a["h_0"], a["w_ih"], a["w_hh"], a["y"], a["dy"]);
                    a["dx"] = g.dx, a["dh_0"] = g.dh_prev, a["dw_ih"] = g.dw_ih, a["dw_hh"] = g.dw_hh;
                    a["db_ih"] = g.db_ih, a["db_hh"] = g.db_hh;
                }}};
    t.refusals = rnn_refusals;
    t.gradients = [] {
        return std::vector<Example>{rnn_example({2, 6, 3, 4}), rnn_example({1, 5, 2, 9}), rnn_example({3, 1, 1, 1})};
    };
    t.mistakes = {of_several_steps("dw_hh", "the first step is left out",
                                   [](const Backend&, const Chain&, const Values& v) {
                                       Tensor<double> wrong = v.at("dw_hh");
                                       const RecurrentSizes size = RecurrentSizes::of(v);
                                       for (std::size_t b = 0; b < size.batch; ++b) {
                                           for (std::size_t j = 0; j < size.hidden; ++j) {
                                               for (std::size_t k = 0; k < size.hidden; ++k) {
                                                   wrong(j, k) -= v.at("h_0")(b, j) * v.at("dz")(b, 0, k);
                                               }
                                           }
                                       }
                                       return wrong;
                                   }),
                  of_several_steps("dw_ih", "no step passes a gradient back to the one before", without_steps_before),
                  of_several_steps("dx", "the loss of the last step is forgotten",
                                   [](const Backend& on, const Chain& chain, const Values& v) {
                                       const std::size_t last = RecurrentSizes::of(v).tokens - 1;
                                       return with_other_dy(on, chain, v, "dx",
                                                            [=](std::size_t step) { return step == last ? 0 : 1; });
                                   }),
                  of_several_steps("dh_0", "only the last step's loss is there",
                                   [](const Backend& on, const Chain& chain, const Values& v) {
                                       const std::size_t last = RecurrentSizes::of(v).tokens - 1;
                                       return with_other_dy(on, chain, v, "dh_0",
                                                            [=](std::size_t step) { return step == last ? 1 : 0; });
                                   })};
    t.large = [] { return std::vector<Example>{rnn_example({37, 9, 20, 33}), rnn_example({20, 4, 3, 5})}; };
    t.threads_on_device = true;
    t.cases = 4;
    return t;
}

/// What rnn and its gradients are by the definition, in long double, sequence by sequence.
struct ExpectedRnn {
    Values results;
    explicit ExpectedRnn(const RecurrentSizes& size, const Values& v) {
        const std::size_t T = size.tokens, C = size.inputs, M = size.hidden;
        using Number = long double;
        const auto number = [&](const char* name, std::size_t i) { return static_cast<Number>(v.at(name).data()[i]); };
        std::map<std::string, std::vector<Number>> sums;
        for (const auto& [name, value] : v) { sums["d" + name].resize(value.size()); }
        sums["y"].resize(size.batch * T * M);
        sums["dz"].resize(size.batch * T * M);
        sums["h_last"].resize(size.batch * M);
        auto &h = sums["y"], &dz = sums["dz"];
        for (std::size_t b = 0; b < size.batch; ++b) {
            const auto before = [&](std::size_t t, std::size_t j) {
                return t == 0 ? number("h_0", b * M + j) : h[(b * T + t - 1) * M + j];
            };
            for (std::size_t t = 0; t < T; ++t) {
                for (std::size_t k = 0; k < M; ++k) {
                    Number z = number("b_ih", k) + number("b_hh", k);
                    for (std::size_t c = 0; c < C; ++c) {
                        z += number("x", (b * T + t) * C + c) * number("w_ih", c * M + k);
                    }
                    for (std::size_t j = 0; j < M; ++j) { z += before(t, j) * number("w_hh", j * M + k); }
                    h[(b * T + t) * M + k] = std::tanh(z);
                }
            }
            for (std::size_t k = 0; k < M; ++k) { sums["h_last"][b * M + k] = before(T, k); }
            std::vector<Number> from_next(M);
            for (std::size_t t = T; t-- > 0;) {
                std::vector<Number> to_before(M);
                for (std::size_t k = 0; k < M; ++k) {
                    const std::size_t n = (b * T + t) * M + k;
                    const Number d = (number("dy", n) + from_next[k]) * (1 - h[n] * h[n]);
                    dz[n] = d;
                    sums["db_ih"][k] += d;
                    sums["db_hh"][k] += d;
                    for (std::size_t c = 0; c < C; ++c) {
                        sums["dx"][(b * T + t) * C + c] += d * number("w_ih", c * M + k);
                        sums["dw_ih"][c * M + k] += number("x", (b * T + t) * C + c) * d;
                    }
                    for (std::size_t j = 0; j < M; ++j) {
                        to_before[j] += d * number("w_hh", j * M + k);
                        sums["dw_hh"][j * M + k] += before(t, j) * d;
                    }
                }
                from_next = to_before;
            }
            for (std::size_t k = 0; k < M; ++k) { sums["dh_0"][b * M + k] = from_next[k]; }
        }
        const auto keep = [&](const std::string& name, const Shape& shape) {
            results[name] = zeros<double>(shape);
            std::transform(sums[name].begin(), sums[name].end(), results[name].data(),
                           [](Number sum) { return static_cast<double>(sum); });
        };
        for (const char* name : {"y", "dz"}) { keep(name, {size.batch, T, M}); }
        keep("h_last", {size.batch, M});
        for (const char* name : {"x", "h_0", "w_ih", "w_hh", "b_ih", "b_hh"}) {
            keep(std::string("d") + name, v.at(name).shape());
        }
    }
};

} // namespace

HANDGRAD_TEST_OPERATION("rnn_cell", tested_rnn_cell())
HANDGRAD_TEST_OPERATION("rnn", tested_rnn())

HANDGRAD_TEST_ON_BACKENDS("rnn: by the formula, in dirty buffers", "[ops][rnn]") {
    for (const RecurrentSizes& size : recurrent_sizes) {
        INFO(size.text());
        Values values = size.values(1);
        values["dy"] = normal_numbers<double>({size.batch, size.tokens, size.hidden}, 7);
        const ExpectedRnn expected(size, values);
        for (const auto& [name, right] : expected.results) { values[name] = full<double>({2, 2}, 7); }
        const Values got = rnn_chain(on, values);
        for (const auto& [name, right] : expected.results) {
            INFO(name);
            CHECK(difference(got.at(name), right) <= 20 * on.rounding());
        }
    }
}

HANDGRAD_TEST_ON_BACKENDS("rnn: T steps of the cell, forward and backward, are the sequence", "[ops][rnn]") {
    const RecurrentSizes size{3, 6, 4, 5};
    Values sequence = size.values(1);
    sequence["dy"] = normal_numbers<double>({size.batch, size.tokens, size.hidden}, 8);
    sequence = rnn_chain(on, sequence);
    Values v = size.cell_values(1);
    std::vector<Values> steps;
    for (std::size_t t = 0; t < size.tokens; ++t) {
        v["x"] = token(size.values(1).at("x"), t);
        rnn_cell_chain.forward(on, v);
        steps.push_back(v);
        v["h_prev"] = v.at("h");
        CHECK(difference(v.at("h"), token(sequence.at("y"), t)) <= on.rounding());
    }
    CHECK(same_bits(sequence.at("h_last"), token(sequence.at("y"), size.tokens - 1)));
    Values sums = zero_gradients(v);
    Tensor<double> dh_next = zeros<double>({size.batch, size.hidden});
    for (std::size_t t = size.tokens; t-- > 0;) {
        Values& step = steps[t];
        step["dh"] = token(sequence.at("dy"), t) + dh_next;
        for (const auto& [name, sum] : sums) { step[name] = sum; }
        for (const Operation& each : rnn_cell_chain.backward) { each(on, step, Accumulate::yes); }
        for (auto& [name, sum] : sums) { sum = step.at(name); }
        dh_next = step.at("dh_prev");
        CHECK(difference(step.at("dx"), token(sequence.at("dx"), t)) <= on.rounding());
    }
    CHECK(difference(dh_next, sequence.at("dh_0")) <= on.rounding());
    for (const auto& [name, sum] : sums) { CHECK(difference(sum, sequence.at(name)) <= on.rounding()); }
}

TEMPLATE_TEST_CASE("nn::RNN has PyTorch's parameters, and is what it says", "[nn]", HANDGRAD_TWO_BACKENDS) {
    using B = TestType;
    using T = typename B::Scalar;
    Random random(1), same(1);
    nn::RNN<B> layer(3, 4, random);
    CHECK(layer.to_string() == "RNN(3, 4, batch_first=True)");
    CHECK(layer.output_shape({2, 6, 3}) == Shape{2, 6, 4});
    const auto named = layer.named_parameters();
    const std::vector<std::pair<std::string, Shape>> expected{
        {"weight_ih", {3, 4}}, {"weight_hh", {4, 4}}, {"bias_ih", {4}}, {"bias_hh", {4}}};
    REQUIRE(named.size() == expected.size());
    for (std::size_t i = 0; i < named.size(); ++i) {
        Tensor<T> start(expected[i].second);
        uniform_(start, -0.5, 0.5, same); // 1/sqrt(M)
        CHECK(named[i].first == expected[i].first);
        CHECK(same_bits(named[i].second->value, start));
    }
    CHECK(message_of([&] { nn::RNN<B> none(3, 0, random); }) == "RNN: hidden_size is 0, expected at least 1");
    CHECK(message_of([&] { nn::RNN<B> none(0, 3, random); }) == "RNN: input_size is 0, expected at least 1");
    CHECK(message_of([&] {
              layer.output_shape({2, 3});
          }) == "RNN: x has shape (2, 3), expected 3 dimensions (B, T, C)");
    CHECK(message_of([&] { layer.output_shape({2, 6, 4}); }) == "RNN: x has shape (2, 6, 4), expected (2, 6, 3)");

    const auto x = normal_numbers<T>({2, 6, 3}, 1), dy = normal_numbers<T>({2, 6, 4}, 2);
    const auto h_0 = normal_numbers<T>({2, 4}, 3), none = zeros<T>({2, 4});
    for (const bool is_set : {false, true, false}) {
        INFO("with a state that was set: " << is_set);
        is_set ? layer.set_state(h_0) : layer.reset_state();
        layer.zero_grad();
        const Tensor<T>& start = is_set ? h_0 : none;
        Tensor<T> y, h_last, dz, dh_0, dx, dw_ih, dw_hh, db_ih, db_hh;
        B::rnn_forward(x, start, named[0].second->value, named[1].second->value, named[2].second->value,
                       named[3].second->value, y, h_last);
        B::rnn_backward_state(named[1].second->value, y, dy, dz, dh_0);
        B::rnn_backward_parameters(x, start, y, dz, dw_ih, dw_hh, db_ih, db_hh);
        B::rnn_backward_input(dz, named[0].second->value, dx);
        CHECK(same_bits(layer.forward(x), y));
        CHECK(same_bits(layer.last_state(), h_last));
        if (is_set) { layer.set_state(layer.last_state()); } // for the next part of the text: backward is of this one
        CHECK(same_bits(layer.backward(dy), dx));
        CHECK(same_bits(layer.initial_state_gradient(), dh_0));
        const Tensor<T>* gradients[] = {&dw_ih, &dw_hh, &db_ih, &db_hh};
        for (std::size_t i = 0; i < 4; ++i) { CHECK(same_bits(named[i].second->grad, *gradients[i])); }
        if (is_set) { continue; }
        layer.forward(x);
        layer.backward(dy); // adds the same once more
        for (std::size_t i = 0; i < 4; ++i) {
            CHECK(same_bits(named[i].second->grad, Tensor<T>(T(2) * *gradients[i])));
        }
    }
    layer.set_state(normal_numbers<T>({3, 4}, 3));
    CHECK(message_of([&] { layer.forward(x); }) == "rnn_forward: h_0 has shape (3, 4), expected (2, 4)");
}
