// flatten, the L2 penalty and the step of SGD: their entries in the table of operations, and sums done by hand.

#include "catch.hpp"
#include "nlohmann/json.hpp"
#include "ops/chains.hpp"
#include "ops/images.hpp"
#include "support/tensors.hpp"

using namespace handgrad;
using namespace support;

namespace {

const Chain flatten_chain{
    Operation::forward("flatten_forward", "x -> y", [](auto on, auto& a) { on.flatten_forward(a["x"], a["y"]); }),
    {{"flatten_backward", "dy x:shape -> dx",
      [](auto on, auto& a) { on.flatten_backward(a["dy"], a.shape("x"), a["dx"]); }}}};

Tested tested_flatten() {
    Tested t;
    t.name = "flatten";
    t.batch = [](std::size_t n) { return Example{"", flatten_chain, {{"x", whole_numbers<double>({n, 3, 4, 5}, 1)}}}; };
    t.folds_rows = false;
    t.forms = {{"flatten_forward", "x -> y",
                [](auto on, auto& a) { // a copy, not a view
                    a["y"] = on.flatten_forward(a["x"]);
                    a["x"].fill(0);
                }},
               {"flatten_backward", "dy x:shape -> dx", [](auto on, auto& a) {
                    a["dx"] = on.flatten_backward(a["dy"], a.shape("x"));
                    a["dy"].fill(0);
                }}};
    t.refusals = [] {
        return std::vector<Refusal>{
            {flatten_chain.forward, {{"x", zeros<double>({})}}, "x has shape (), expected (N, ...)"},
            {flatten_chain["flatten_backward"],
             {{"dy", zeros<double>({2, 3})}, {"x", zeros<double>({2, 2, 2})}},
             "dy has shape (2, 3), expected (2, 4)"}};
    };
    t.gradients = [] {
        return std::vector<Example>{{"", flatten_chain, {{"x", normal_numbers<double>({2, 3, 4, 5}, 1)}}}};
    };
    t.mistakes = {{"dx", "its entries are in another order", [](const Backend&, const Chain&, const Values& values) {
                       Tensor<double> dx = values.at("dx");
                       std::reverse(dx.storage().begin(), dx.storage().end());
                       return dx;
                   }}};
    t.cases = 5;
    t.torch_tolerance = 0;
    return t;
}

Tested tested_l2_penalty() {
    Tested t;
    t.name = "l2_penalty";
    t.batch = [](std::size_t n) { return Example{"", l2_penalty(0.25), {{"w", whole_numbers<double>({n, 4}, 1)}}}; };
    t.forms = {
        {"l2_penalty_backward", "w -> dw", [](auto on, auto& a) { a["dw"] = on.l2_penalty_backward(a["w"], 0.25); }}};
    const auto of_shapes = [](double lambda, const std::vector<Shape>& shapes) {
        std::vector<Example> all;
        for (const Shape& shape : shapes) {
            all.push_back({to_string(shape), l2_penalty(lambda), {{"w", normal_numbers<double>(shape, 3)}}});
        }
        return all;
    };
    t.refusals = [] {
        return std::vector<Refusal>{{l2_penalty(0.1)["l2_penalty_backward"],
                                     {{"w", zeros<double>({3})}, {"dw", zeros<double>({2})}},
                                     "dw has shape (2,), expected (3,)"}};
    };
    t.aliased = [=] { return of_shapes(0.3, {{3, 7}, {300, 1000}}); };
    t.gradients = [=] { return of_shapes(0.375, {{4, 5}}); };
    t.mistakes = {{"dw", "the half was forgotten", [](const Backend& on, const Chain&, const Values& values) {
                       return l2_penalty(2 * 0.375)(on, values).at("dw");
                   }}};
    t.large = [=] { return of_shapes(0.1, {{30001, 10}, {65, 1001}, {300007, 1}}); };
    t.cases = 4;
    t.torch_chain = [](const nlohmann::ordered_json& options) {
        return std::vector<Chain>{l2_penalty(options.at("lambda"))};
    };
    return t;
}

/// With and without momentum and Nesterov's form; each first step, and with momentum a later one.
std::vector<Example> sgd_examples(const Shape& shape) {
    std::vector<Example> all;
    for (const double momentum : {0.0, 0.9}) {
        for (const bool nesterov : {false, true}) {
            if (nesterov && momentum == 0) { continue; }
            SgdOptions options;
            options.lr = 0.1;
            options.momentum = momentum;
            options.nesterov = nesterov;
            options.weight_decay = 0.2;
            const std::string name = to_string(shape) + (nesterov ? ", Nesterov" : momentum == 0 ? "" : ", momentum");
            const Values first{{"p", normal_numbers<double>(shape, 1)}, {"g", normal_numbers<double>(shape, 2)}};
            all.push_back({name, sgd_step(options), first});
            if (momentum == 0) { continue; }
            all.push_back({name + ", a later step", sgd_step(options), first});
            all.back().values["v"] = full<double>(shape, 1);
        }
    }
    return all;
}

Tested tested_sgd() { // PyTorch's numbers are in tests/optim
    Tested t;
    t.name = "sgd_step";
    t.batch = [](std::size_t n) { return sgd_examples({n, 7}).back(); };
    t.is_exact = false;
    t.refusals = [] {
        return std::vector<Refusal>{{sgd_step(SgdOptions{}).forward,
                                     {{"p", zeros<double>({3, 2})}, {"g", zeros<double>({2, 3})}},
                                     "g has shape (2, 3), expected (3, 2)"}};
    };
    t.aliased = [] {
        auto all = sgd_examples({3, 7}), large = sgd_examples({300, 1000});
        all.insert(all.end(), large.begin(), large.end());
        return all;
    };
    t.large = [] {
        std::vector<Example> all;
        for (const Shape& shape : {Shape{30001, 10}, Shape{65, 1001}, Shape{300007, 1}}) {
            for (Example& example : sgd_examples(shape)) { all.push_back(std::move(example)); }
        }
        return all;
    };
    return t;
}

} // namespace

HANDGRAD_TEST_OPERATION("flatten", tested_flatten())
HANDGRAD_TEST_OPERATION("l2_penalty", tested_l2_penalty())
static const bool sgd_step_is_tested = test_operation(tested_sgd());

Chain support::l2_penalty(double lambda) {
    return {Operation::forward("l2_penalty_forward", "w -> loss:number",
                               [=](auto on, auto& a) { a.number("loss", on.l2_penalty_forward(a["w"], lambda)); }),
            {{"l2_penalty_backward", "w -> dw+=w",
              [=](auto on, auto& a) { on.l2_penalty_backward(a["w"], lambda, a["dw"], a.mode); }}}};
}

Chain support::sgd_step(const SgdOptions& options) {
    // Without momentum v is not looked at.
    return {{"sgd_step", options.momentum == 0 ? "g -> p=g" : "g -> v p=g",
             [=](auto on, auto& a) {
                 if (options.momentum == 0) {
                     on.sgd_step(a["p"], a["g"], a["p"], options);
                 } else {
                     on.sgd_step(a["p"], a["g"], a["v"], options);
                 }
             }},
            {}};
}

HANDGRAD_TEST_ON_BACKENDS("flatten: the same numbers, one row a sample, and back", "[ops][flatten]") {
    for (const Shape& shape : {Shape{7, 3, 4, 5}, Shape{1, 1, 28, 28}, Shape{2, 3}, Shape{3}, Shape{0, 2, 2}}) {
        INFO(to_string(shape));
        const auto x = normal_numbers<double>(shape, 1);
        std::size_t row = 1;
        for (std::size_t i = 1; i < shape.size(); ++i) { row *= shape[i]; }
        Tensor<double> y = x;
        y.reshape(Shape{shape[0], row});
        const Values r = flatten_chain(on, {{"x", x}, {"dy", y}});
        CHECK(same_bits(r.at("y"), y));
        CHECK(same_bits(r.at("dx"), x));
    }
}

HANDGRAD_TEST_ON_BACKENDS("l2_penalty: sums done by hand", "[ops][l2_penalty]") {
    const auto w = tensor<double>({2, 2}, {1, -2, 3, -4});
    const Values half = l2_penalty(0.5)(on, {{"w", w}});
    CHECK(half.at("loss")() == 7.5); // 0.25 (1 + 4 + 9 + 16)
    CHECK(equal_numbers(half.at("dw"), tensor<double>({2, 2}, {0.5, -1, 1.5, -2})));
    CHECK(l2_penalty(0.0)(on, {{"w", w}}).at("loss")() == 0);
    const Values none = l2_penalty(0.5)(on, {{"w", Tensor<double>(Shape{0})}});
    CHECK(none.at("loss")() == 0);
    CHECK(none.at("dw").shape() == Shape{0});
}

HANDGRAD_TEST_ON_BACKENDS("l2_penalty: every size, exact for whole numbers, overwrites or adds", "[ops][l2_penalty]") {
    const Chain quarter = l2_penalty(0.25);
    for (const std::size_t size : {1, 2, 3, 7, 8, 9, 17, 100, 1001, 300007}) {
        INFO(size);
        const auto w = whole_numbers<double>({size}, 1);
        double sum = 0;
        for (const double v : w.storage()) { sum += v * v; }
        const Tensor<double> dw = 0.25 * w;
        for (const Shape& shape : {Shape{size}, Shape{3, 1, 2}, Shape{}}) {
            const Values r = quarter(on, {{"w", w}, {"dw", full<double>(shape, 999)}});
            REQUIRE(r.at("loss")() == 0.125 * sum);
            REQUIRE(equal_numbers(r.at("dw"), dw));
        }
        Values total{{"w", w}, {"dw", full<double>({size}, 5)}};
        for (int call = 0; call < 2; ++call) { total = quarter(on, total, Accumulate::yes); }
        REQUIRE(equal_numbers(total.at("dw"), Tensor<double>(5.0 + 0.5 * w)));
    }
}

HANDGRAD_TEST_ON_BACKENDS("l2_penalty: twice the factor, exactly twice the gradient", "[metamorphic]") {
    const auto w = normal_numbers<double>({5, 7}, 3);
    const Tensor<double> once = l2_penalty(0.3)(on, {{"w", w}}).at("dw");
    CHECK(same_bits(Tensor<double>(2.0 * once), l2_penalty(0.6)(on, {{"w", w}}).at("dw")));
}

TEST_CASE("flatten shows a negative number of samples as it was written", "[ops][shapes]") { // the same for all
    const auto row = zeros<float>({1, 6});
    Tensor<float> dx;
    CHECK(message_of([&] {
              Cpu<float>::flatten_backward(row, Shape{static_cast<std::size_t>(-1), 6}, dx);
          }) == "flatten_backward: dy has shape (1, 6), expected (-1, 6)");
}

HANDGRAD_TEST_ON_BACKENDS("flatten: backward is the transpose of forward", "[metamorphic]") {
    const auto x = whole_numbers<double>({3, 2, 7, 6}, 4), dy = whole_numbers<double>({3, 84}, 7);
    const Values r = flatten_chain(on, {{"x", x}, {"dy", dy}});
    CHECK(inner(x, r.at("dx")) == inner(r.at("y"), dy));
}
