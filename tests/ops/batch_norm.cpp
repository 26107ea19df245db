// batch_norm: its entries in the table of operations, for training and evaluation; by the formula; backward in three
// terms against the graph in twelve steps; its layers, and their buffers in checkpoints.

#include <cmath>
#include <complex>

#include "catch.hpp"
#include "fixtures/pytorch.hpp"
#include "handgrad/backends/cpu.hpp"
#include "handgrad/check/check.hpp"
#include "handgrad/nn/nn.hpp"
#include "nlohmann/json.hpp"
#include "support/layer_run.hpp"
#include "support/operation.hpp"
#include "support/saved_run.hpp"
#include "support/tensors.hpp"

using namespace handgrad;
using namespace support;

namespace {

constexpr double batch_norm_eps = 1e-5;

const Operation batch_norm_parameters{
    "batch_norm_backward_parameters", "x mean rstd dy -> dw+ db+ dy_mean dyx_mean", [](auto on, auto& a) {
        on.batch_norm_backward_parameters(a["x"], a["mean"], a["rstd"], a["dy"], a["dw"], a["db"], a["dy_mean"],
                                          a["dyx_mean"], a.mode);
    }};

Chain batch_norm(double eps = batch_norm_eps) {
    return {Operation::forward("batch_norm_forward", "x w b -> y mean var rstd",
                               [=](auto on, auto& a) {
                                   on.batch_norm_forward(a["x"], a["w"], a["b"], eps, a["y"], a["mean"], a["var"],
                                                         a["rstd"]);
                               }),
            {batch_norm_parameters,
             {"batch_norm_backward_input", "x w mean rstd dy_mean dyx_mean dy -> dx", [](auto on, auto& a) {
                  on.batch_norm_backward_input(a["x"], a["w"], a["mean"], a["rstd"], a["dy_mean"], a["dyx_mean"],
                                               a["dy"], a["dx"]);
              }}}};
}

Chain batch_norm_eval(double eps = batch_norm_eps) {
    return {Operation::forward("batch_norm_eval_forward", "x w b mean var -> y rstd",
                               [=](auto on, auto& a) {
                                   on.batch_norm_eval_forward(a["x"], a["w"], a["b"], a["mean"], a["var"], eps, a["y"],
                                                              a["rstd"]);
                               }),
            {batch_norm_parameters, {"batch_norm_eval_backward_input", "w rstd dy -> dx", [](auto on, auto& a) {
                                         on.batch_norm_eval_backward_input(a["w"], a["rstd"], a["dy"], a["dx"]);
                                     }}}};
}

Operation batch_norm_update(std::size_t m, double momentum) {
    return {"batch_norm_update", "mean var -> running_mean running_var batches", [=](auto on, auto& a) {
                on.batch_norm_update(a["mean"], a["var"], m, momentum, a["running_mean"], a["running_var"],
                                     a["batches"]);
            }};
}

Values batch_norm_arguments(const Shape& shape, bool training) {
    const Shape channels{shape[1]};
    Values values{{"x", normal_numbers<double>(shape, 1)},
                  {"w", normal_numbers<double>(channels, 3)},
                  {"b", normal_numbers<double>(channels, 4)}};
    if (!training) {
        values["mean"] = normal_numbers<double>(channels, 5);
        values["var"] = normal_numbers<double>(channels, 6);
        for (double& v : values["var"].storage()) { v = std::abs(v); }
    }
    return values;
}

std::vector<Refusal> batch_norm_refusals() {
    const auto t = [](const Shape& shape) { return zeros<double>(shape); };
    const Chain chain = batch_norm();
    const auto forward = [&](const Shape& x, const Shape& w, const Shape& b, const std::string& message,
                             double eps = batch_norm_eps) {
        return Refusal{batch_norm(eps).forward, {{"x", t(x)}, {"w", t(w)}, {"b", t(b)}}, message};
    };
    const Values saved{{"x", t({2, 3, 4})}, {"mean", t({3})}, {"rstd", t({3})}, {"dy", t({2, 3, 4})}};
    const auto with = [&](Values values, const std::string& name, const Shape& shape) {
        values[name] = t(shape);
        return values;
    };
    const auto for_input = with(with(with(saved, "w", {3}), "dy_mean", {3}), "dyx_mean", {3});
    const auto update = [&](std::size_t m, double momentum, const std::string& message) {
        return Refusal{
            batch_norm_update(m, momentum),
            {{"mean", t({3})}, {"var", t({3})}, {"running_mean", t({3})}, {"running_var", t({3})}, {"batches", t({})}},
            message};
    };
    return {forward({3}, {3}, {3}, "x has shape (3,), expected (N, C, ...)"),
            forward({2, 0}, {0}, {0}, "the number of channels of x is 0, expected at least 1"),
            forward({2, 3}, {2}, {3}, "w has shape (2,), expected (3,)"),
            forward({2, 3, 5}, {3}, {5}, "b has shape (5,), expected (3,)"),
            forward({1, 3}, {3}, {3}, "x has shape (1, 3), expected more than 1 value per channel when training"),
            forward({1, 3, 1, 1}, {3}, {3},
                    "x has shape (1, 3, 1, 1), expected more than 1 value per channel when training"),
            forward({0, 3}, {3}, {3}, "x has shape (0, 3), expected more than 1 value per channel when training"),
            forward({1, 3, 2}, {3}, {3}, ""),
            forward({2, 3}, {3}, {3}, "eps is -1, expected at least 0", -1),
            forward({2, 3}, {3}, {3}, "eps is nan, expected at least 0", std::nan("")),
            {batch_norm_parameters, with(saved, "mean", {2}), "mean has shape (2,), expected (3,)"},
            {batch_norm_parameters, with(saved, "dy", {2, 3, 5}), "dy has shape (2, 3, 5), expected (2, 3, 4)"},
            {batch_norm_parameters, with(with(saved, "dw", {4}), "db", {3}), "dw has shape (4,), expected (3,)"},
            {chain["batch_norm_backward_input"], with(for_input, "dyx_mean", {4}),
             "dyx_mean has shape (4,), expected (3,)"},
            {chain["batch_norm_backward_input"], with(for_input, "dy", {3, 3, 4}),
             "dy has shape (3, 3, 4), expected (2, 3, 4)"},
            update(1, 0.1, "m is 1, expected at least 2"),
            update(2, 1.5, "momentum is 1.5, expected a number from 0 to 1"),
            update(2, -0.1, "momentum is -0.1, expected a number from 0 to 1")};
}

std::vector<Refusal> batch_norm_eval_refusals() {
    const auto t = [](const Shape& shape) { return zeros<double>(shape); };
    const auto forward = [&](const Shape& mean, const Shape& var, const std::string& message,
                             double eps = batch_norm_eps) {
        return Refusal{batch_norm_eval(eps).forward,
                       {{"x", t({1, 3})}, {"w", t({3})}, {"b", t({3})}, {"mean", t(mean)}, {"var", t(var)}},
                       message};
    };
    return {forward({3}, {3}, ""),
            forward({2}, {3}, "mean has shape (2,), expected (3,)"),
            forward({3}, {2}, "var has shape (2,), expected (3,)"),
            forward({3}, {3}, "eps is -0.5, expected at least 0", -0.5),
            {batch_norm_eval()["batch_norm_eval_backward_input"],
             {{"w", t({3})}, {"rstd", t({3})}, {"dy", t({2, 4})}},
             "w has shape (3,), expected (4,)"}};
}

/// A wrong gradient of x: backward with one of its arguments replaced.
Mistake batch_norm_mistake(const std::string& what, const std::string& argument,
                           const std::function<Tensor<double>(const Values&)>& wrong) {
    return {"dx", what, [=](const Backend& on, const Chain& chain, Values values) {
                values[argument] = wrong(values);
                chain.backward[1](on, values);
                return values.at("dx");
            }};
}

Tested tested_batch_norm(bool training) {
    Tested t;
    t.name = training ? "batch_norm" : "batch_norm_eval";
    t.is_exact = false;
    t.folds_rows = false;    // the features are on axis 1
    t.takes_nothing = false; // in training; rstd of evaluation does not depend on the batch
    const auto chain = [=](double eps) { return training ? batch_norm(eps) : batch_norm_eval(eps); };
    t.batch = [=](std::size_t n) {
        return Example{"", chain(batch_norm_eps), batch_norm_arguments({n, 17, 5}, training)};
    };
    const auto of_shapes = [=](const std::vector<Shape>& shapes) {
        std::vector<Example> all;
        for (const Shape& shape : shapes) {
            all.push_back({to_string(shape), chain(batch_norm_eps), batch_norm_arguments(shape, training)});
        }
        return all;
    };
    t.gradients = [=] { return of_shapes({{3, 5}, {2, 3, 4}, {2, 3, 2, 5}, {20, 18}, {1, 2, 19}}); };
    t.aliased = [=] { return of_shapes({{3, 5}, {2, 3, 4}}); };
    t.large = [=] { return of_shapes({{600, 300}, {20, 30, 17, 19}, {3, 2, 200, 200}}); };
    t.threads_on_device = true;
    t.cases = training ? 7 : 5;
    t.torch_tolerance = 10;
    t.torch_chain = [=](const nlohmann::ordered_json& options) {
        return std::vector<Chain>{chain(options.at("eps").get<double>())};
    };
    const auto none = [](const Values& v) { return zeros<double>(v.at("dy_mean").shape()); };
    if (training) {
        t.forms = {{"batch_norm_forward", "x w b -> y mean var rstd",
                    [](auto on, auto& a) {
                        auto r = on.batch_norm_forward(a["x"], a["w"], a["b"], batch_norm_eps);
                        a["y"] = r.y, a["mean"] = r.mean, a["var"] = r.var, a["rstd"] = r.rstd;
                    }},
                   {"batch_norm_backward_input", "x w mean rstd dy_mean dyx_mean dy -> dx", [](auto on, auto& a) {
                        a["dx"] = on.batch_norm_backward_input(a["x"], a["w"], a["mean"], a["rstd"], a["dy_mean"],
                                                               a["dyx_mean"], a["dy"]);
                    }}};
        t.refusals = batch_norm_refusals;
        t.mistakes = {
            batch_norm_mistake("the mean is taken as a constant", "dy_mean", none),
            batch_norm_mistake("the variance is taken as a constant", "dyx_mean", none),
            batch_norm_mistake("w is missing", "w", [](const Values& v) { return full<double>(v.at("w").shape(), 1); }),
            {"dw", "it is the sum of dy x", [](const Backend& on, const Chain& c, Values values) {
                 values["mean"].fill(0), values["rstd"].fill(1);
                 c["batch_norm_backward_parameters"](on, values);
                 return values.at("dw");
             }}};
    } else {
        t.forms = {{"batch_norm_eval_backward_input", "w rstd dy -> dx",
                    [](auto on, auto& a) { a["dx"] = on.batch_norm_eval_backward_input(a["w"], a["rstd"], a["dy"]); }}};
        t.refusals = batch_norm_eval_refusals;
        t.mistakes = {{"dx", "it is that of training", [](const Backend& on, const Chain&, const Values& values) {
                           Values v = values;
                           batch_norm()["batch_norm_backward_input"](on, v);
                           return v.at("dx");
                       }}};
    }
    return t;
}

/// Channels and planes: one of each, partial registers, several chunks for the threads, blocks of channels.
const Shape batch_norm_shapes[] = {{3, 1},    {3, 5},        {7, 16},       {5, 130},  {700, 100},     {1, 3, 4},
                                   {2, 3, 4}, {3, 2, 3, 11}, {4, 7, 9, 33}, {5, 3, 1}, {2, 2, 70, 130}};

/// y, mean, var, dx, dw and db of training in long double.
struct ExpectedBatchNorm {
    Values of;
    explicit ExpectedBatchNorm(const Values& given) {
        const Tensor<double>&x = given.at("x"), &w = given.at("w"), &b = given.at("b"), &dy = given.at("dy");
        const std::size_t N = x.shape()[0], C = x.shape()[1], S = x.size() / (N * C);
        of["y"] = of["dx"] = zeros<double>(x.shape());
        of["mean"] = of["var"] = of["dw"] = of["db"] = zeros<double>({C});
        for (std::size_t c = 0; c < C; ++c) {
            const auto sum = [&](const auto& f) {
                long double total = 0;
                for (std::size_t n = 0; n < N; ++n) {
                    for (std::size_t s = 0; s < S; ++s) { total += f((n * C + c) * S + s); }
                }
                return total;
            };
            const long double m = static_cast<long double>(N * S);
            const auto at = [](const Tensor<double>& t, std::size_t i) {
                return static_cast<long double>(t.data()[i]);
            };
            const long double mu = sum([&](std::size_t i) { return at(x, i); }) / m;
            const long double var = sum([&](std::size_t i) { return (at(x, i) - mu) * (at(x, i) - mu); }) / m;
            const long double r = 1 / std::sqrt(var + batch_norm_eps);
            const auto x_hat = [&](std::size_t i) { return (at(x, i) - mu) * r; };
            const long double db = sum([&](std::size_t i) { return at(dy, i); });
            const long double dw = sum([&](std::size_t i) { return at(dy, i) * x_hat(i); });
            sum([&](std::size_t i) {
                of["y"].data()[i] = static_cast<double>(x_hat(i) * w(c) + b(c));
                of["dx"].data()[i] = static_cast<double>(w(c) * r * (at(dy, i) - db / m - x_hat(i) * dw / m));
                return 0;
            });
            of["mean"](c) = static_cast<double>(mu);
            of["var"](c) = static_cast<double>(var);
            of["dw"](c) = static_cast<double>(dw);
            of["db"](c) = static_cast<double>(db);
        }
    }
};

/// Backward of the graph in twelve steps, for one channel: x, w and dy in, dx out. The numbers are those of the page.
std::vector<double> twelve_steps(const std::vector<double>& x, double w, double eps, const std::vector<double>& dy) {
    const std::size_t m = x.size();
    const double count = static_cast<double>(m);
    const auto sum = [&](const std::vector<double>& v) {
        double total = 0;
        for (const double each : v) { total += each; }
        return total;
    };
    const auto map = [&](const auto& f) {
        std::vector<double> result(m);
        for (std::size_t i = 0; i < m; ++i) { result[i] = f(i); }
        return result;
    };
    const double mu = sum(x) / count;                                                // 1, 2
    const auto centred = map([&](std::size_t i) { return x[i] - mu; });              // 3
    const auto square = map([&](std::size_t i) { return centred[i] * centred[i]; }); // 4
    const double var = sum(square) / count;                                          // 5, 6
    const double shifted = var + eps;                                                // 7
    const double root = std::sqrt(shifted);                                          // 8
    const double r = 1 / root;                                                       // 9
    // 10: x_hat = centred r; 11: x_hat w; 12: + b
    const auto dscaled = dy;                                                           // 12
    const auto dx_hat = map([&](std::size_t i) { return dscaled[i] * w; });            // 11
    auto dcentred = map([&](std::size_t i) { return dx_hat[i] * r; });                 // 10
    const double dr = sum(map([&](std::size_t i) { return dx_hat[i] * centred[i]; })); // 10
    const double droot = -dr / (root * root);                                          // 9
    const double dshifted = droot / (2 * root);                                        // 8
    const double dvar = dshifted;                                                      // 7
    const double dsquare = dvar / count;                                               // 6, 5
    for (std::size_t i = 0; i < m; ++i) { dcentred[i] += dsquare * 2 * centred[i]; }   // 4
    const double dmu = -sum(dcentred);                                                 // 3
    const double dsum = dmu / count;                                                   // 2
    return map([&](std::size_t i) { return dcentred[i] + dsum; });                     // 3 and 1
}

} // namespace

HANDGRAD_TEST_OPERATION("batch_norm", tested_batch_norm(true))
HANDGRAD_TEST_OPERATION("batch_norm_eval", tested_batch_norm(false))

HANDGRAD_TEST_ON_BACKENDS("batch_norm: by the formula, on any rank, in dirty buffers, added up", "[ops][batch_norm]") {
    for (const Shape& shape : batch_norm_shapes) {
        INFO(to_string(shape));
        Values values = batch_norm_arguments(shape, true);
        for (double& v : values["x"].storage()) { v = static_cast<double>(static_cast<float>(v + 3)); } // a mean of 3
        values["dy"] = normal_numbers<double>(shape, 2);
        const ExpectedBatchNorm expected(values);
        for (const char* result : {"y", "mean", "var", "rstd", "dx", "dw", "db", "dy_mean"}) {
            values[result] = full<double>({2, 2}, 7);
        }
        const Values got = batch_norm()(on, values);
        const double many = std::sqrt(static_cast<double>(count(shape)));
        for (const auto& [name, right] : expected.of) {
            INFO(name);
            const bool is_sum = name == "dw" || name == "db";
            REQUIRE(difference(got.at(name), right) <= 10 * (is_sum ? many : 1) * on.rounding());
        }
        const Values twice = batch_norm()(on, got, Accumulate::yes);
        REQUIRE(same_bits(twice.at("dw"), Tensor<double>(2.0 * got.at("dw"))));
        REQUIRE(same_bits(twice.at("db"), Tensor<double>(2.0 * got.at("db"))));
        REQUIRE(same_bits(twice.at("dx"), got.at("dx"))); // its sums are those of one call
    }
}

HANDGRAD_TEST_ON_BACKENDS("batch_norm: a large mean does not spoil the variance", "[ops][batch_norm][edges]") {
    for (const Shape& shape : {Shape{64, 3}, Shape{4, 3, 8, 8}}) {
        Values values = batch_norm_arguments(shape, true);
        const Values small = batch_norm()(on, values);
        for (double& v : values["x"].storage()) { v = std::round(64 * v) / 64; }
        const Values plain = batch_norm()(on, values);
        for (double& v : values["x"].storage()) { v += 4096; } // exact in float
        const Values moved = batch_norm()(on, values);
        CHECK(difference(moved.at("var"), plain.at("var")) <= (on.is_float ? 1e-3 : 1e-10));
        CHECK(difference(moved.at("y"), plain.at("y")) <= (on.is_float ? 1e-2 : 1e-10));
        CHECK(difference(small.at("var"), plain.at("var")) <= 0.1);
    }
}

HANDGRAD_TEST_ON_BACKENDS("batch_norm: a channel of equal numbers gives b, and finite gradients",
                          "[ops][batch_norm][edges]") {
    Values values = batch_norm_arguments({4, 3, 5}, true);
    values["x"].fill(2);
    values["dy"] = normal_numbers<double>({4, 3, 5}, 2);
    const Values got = batch_norm()(on, values);
    CHECK(equal_numbers(got.at("var"), zeros<double>({3})));
    for (std::size_t i = 0; i < 60; ++i) {
        CHECK(got.at("y").data()[i] == on.stored(values["b"](i / 5 % 3)));
        CHECK(std::isfinite(got.at("dx").data()[i]));
    }
    CHECK(equal_numbers(got.at("dw"), zeros<double>({3})));
}

HANDGRAD_TEST_ON_BACKENDS("batch_norm: evaluation of nothing gives nothing, and gradients of zero",
                          "[ops][batch_norm][edges]") {
    for (const Shape& shape : {Shape{0, 3}, Shape{0, 3, 4}, Shape{2, 3, 0}}) {
        Values values = batch_norm_arguments(shape, false);
        values["dy"] = zeros<double>(shape);
        const Values got = batch_norm_eval()(on, values);
        for (const char* result : {"y", "dx"}) { CHECK(got.at(result).shape() == shape); }
        for (const char* sum : {"dw", "db", "dy_mean", "dyx_mean"}) {
            CHECK(equal_numbers(got.at(sum), zeros<double>({3})));
        }
    }
}

HANDGRAD_TEST_ON_BACKENDS("batch_norm: an upstream gradient of equal numbers has no dx, whatever x is",
                          "[ops][batch_norm]") {
    // So a gradient check with ones proves nothing: each sum of y over a channel is m b, for any x.
    Values values = batch_norm_arguments({6, 4, 3}, true);
    values["dy"] = full<double>({6, 4, 3}, 1);
    const Tensor<double> dx = batch_norm()(on, values).at("dx");
    for (std::size_t i = 0; i < dx.size(); ++i) { CHECK(std::abs(dx.data()[i]) <= 10 * on.rounding()); }
}

HANDGRAD_TEST_ON_BACKENDS("batch_norm: backward in three terms is that of the graph in twelve steps",
                          "[ops][batch_norm]") {
    if (on.is_float) { return; }
    for (const Shape& shape : {Shape{5, 3}, Shape{2, 3, 4}, Shape{32, 7, 5, 5}}) {
        INFO(to_string(shape));
        Values values = batch_norm_arguments(shape, true);
        values["dy"] = normal_numbers<double>(shape, 2);
        const Tensor<double> dx = batch_norm()(on, values).at("dx");
        Tensor<double> graph(shape);
        const std::size_t N = shape[0], C = shape[1], S = count(shape) / (N * C);
        for (std::size_t c = 0; c < C; ++c) {
            std::vector<double> x, dy;
            const auto for_each = [&](const auto& f) {
                for (std::size_t n = 0; n < N; ++n) {
                    for (std::size_t s = 0; s < S; ++s) { f((n * C + c) * S + s); }
                }
            };
            for_each([&](std::size_t i) { x.push_back(values["x"].data()[i]), dy.push_back(values["dy"].data()[i]); });
            const auto of_channel = twelve_steps(x, values["w"](c), batch_norm_eps, dy);
            std::size_t next = 0;
            for_each([&](std::size_t i) { graph.data()[i] = of_channel[next++]; });
        }
        CHECK(difference(dx, graph) <= 1e-14);
    }
}

HANDGRAD_TEST_ON_BACKENDS("batch_norm: the running variance is unbiased, and the momentum is the new batch's share",
                          "[ops][batch_norm]") {
    Values values{{"mean", tensor<double>({2}, {4, -8})},
                  {"var", tensor<double>({2}, {3, 6})},
                  {"running_mean", tensor<double>({2}, {0, 16})},
                  {"running_var", tensor<double>({2}, {1, 2})},
                  {"batches", tensor<double>({}, {41})}};
    batch_norm_update(4, 0.25)(on, values); // the unbiased variance is 4/3 of the biased one: 4 and 8
    CHECK(equal_numbers(values["running_mean"], tensor<double>({2}, {1, 10})));
    CHECK(difference(values["running_var"], tensor<double>({2}, {1.75, 3.5})) <= 4 * on.epsilon());
    CHECK(equal_numbers(values["batches"], tensor<double>({}, {42})));
    batch_norm_update(2, 0)(on, values); // nothing of the batch
    CHECK(equal_numbers(values["running_mean"], tensor<double>({2}, {1, 10})));
    batch_norm_update(2, 1)(on, values); // the batch alone
    CHECK(equal_numbers(values["running_mean"], tensor<double>({2}, {4, -8})));
    CHECK(equal_numbers(values["running_var"], tensor<double>({2}, {6, 12})));
    CHECK(message_of<AliasError>([&] { batch_norm_update(2, 1).with_shared(on, values, 3, 0, Accumulate::no); }) ==
          "batch_norm_update: running_var shares memory with mean, expected a tensor of its own");
}

TEMPLATE_TEST_CASE("nn::BatchNorm trains and evaluates as PyTorch's", "[nn][batch_norm][torch]", HANDGRAD_BACKENDS) {
    using B = TestType;
    using T = typename B::Scalar;
    for (const pytorch::Case& c : pytorch::cases("batch_norm_layer")) {
        INFO(c.name);
        nn::BatchNormOptions options;
        options.momentum = c.options.value("momentum", options.momentum);
        options.eps = c.options.value("eps", options.eps);
        options.affine = c.options.value("affine", options.affine);
        const auto x = c.get<T>("x");
        const std::size_t C = x.shape()[2];
        std::unique_ptr<nn::BatchNorm<B>> layer;
        if (x.shape().size() == 5) {
            layer = std::make_unique<nn::BatchNorm2d<B>>(C, options);
        } else {
            layer = std::make_unique<nn::BatchNorm1d<B>>(C, options);
        }
        const auto step = [&](const Tensor<T>& all, std::size_t i) {
            const Shape shape(all.shape().begin() + 1, all.shape().end());
            Tensor<T> one(shape);
            std::copy_n(all.data() + i * one.size(), one.size(), one.data());
            return one;
        };
        for (std::size_t i = 0; i < x.shape()[0]; ++i) {
            INFO("step " << i);
            const Tensor<T> batch = step(x, i);
            CHECK(difference(layer->forward(batch), step(c.get<T>("y"), i)) <= 10 * rounding<T>());
            CHECK(difference(layer->running_mean, step(c.get<T>("running_mean"), i)) <= 10 * rounding<T>());
            CHECK(difference(layer->running_var, step(c.get<T>("running_var"), i)) <= 10 * rounding<T>());
            CHECK(layer->num_batches_tracked() == T(i + 1));
        }
        layer->eval();
        const Tensor<T> first = step(x, 0);
        CHECK(difference(layer->forward(first), c.get<T>("eval")) <= 10 * rounding<T>());
        CHECK(layer->num_batches_tracked() == T(x.shape()[0])); // evaluation moves nothing
    }
}

TEST_CASE("nn::BatchNorm prints and starts as PyTorch's, and refuses what does not fit", "[nn][batch_norm]") {
    using B = Cpu<double>;
    nn::BatchNorm2d<B> layer(5);
    CHECK(layer.to_string() == "BatchNorm2d(5, eps=1e-05, momentum=0.1, affine=True, track_running_stats=True)");
    CHECK(same_bits(layer.weight.value, full<double>({5}, 1)));
    CHECK(same_bits(layer.bias.value, zeros<double>({5})));
    CHECK(same_bits(layer.running_mean, zeros<double>({5})));
    CHECK(same_bits(layer.running_var, full<double>({5}, 1)));
    CHECK(layer.parameter_count() == 10);
    std::vector<std::string> names;
    for (const auto& [name, buffer] : layer.named_buffers()) { names.push_back(name); }
    CHECK(names == std::vector<std::string>{"running_mean", "running_var", "num_batches_tracked"});
    CHECK(layer.output_shape({2, 5, 3, 4}) == Shape{2, 5, 3, 4});
    CHECK(message_of([&] {
              layer.output_shape({2, 4, 3, 4});
          }) == "BatchNorm2d: x has shape (2, 4, 3, 4), expected (2, 5, 3, 4)");
    CHECK(message_of([&] {
              layer.output_shape({2, 5});
          }) == "BatchNorm2d: x has shape (2, 5), expected 4 dimensions (N, C, H, W)");
    const auto wrong = normal_numbers<double>({2, 6}, 1);
    nn::BatchNorm1d<B> rows(5);
    CHECK(message_of([&] { rows.forward(wrong); }) == "BatchNorm1d: x has shape (2, 6), expected (2, 5)");
    CHECK(rows.output_shape({2, 5, 3}) == Shape{2, 5, 3});
    CHECK(message_of([&] {
              rows.output_shape({2, 5, 3, 4});
          }) == "BatchNorm1d: x has shape (2, 5, 3, 4), expected (N, C) or (N, C, L)");
    const auto single = normal_numbers<double>({1, 5}, 1);
    CHECK(message_of([&] { rows.forward(single); }) ==
          "batch_norm_forward: x has shape (1, 5), expected more than 1 value per channel when training");
    CHECK(rows.num_batches_tracked() == 0); // the refused batch moves nothing
    rows.eval();
    CHECK(rows.forward(single).shape() == Shape{1, 5});
    nn::BatchNormOptions options;
    options.eps = -1;
    CHECK(message_of([&] { nn::BatchNorm1d<B> none(3, options); }) == "BatchNorm1d: eps is -1, expected at least 0");
    options = {};
    options.momentum = 2;
    CHECK(message_of([&] { nn::BatchNorm2d<B> none(3, options); }) ==
          "BatchNorm2d: momentum is 2, expected a number from 0 to 1");
    CHECK(message_of([] { nn::BatchNorm1d<B> none(0); }) == "BatchNorm1d: num_features is 0, expected at least 1");
    options = {};
    options.affine = options.track_running_stats = false;
    nn::BatchNorm1d<B> plain(3, options);
    CHECK(plain.to_string() == "BatchNorm1d(3, eps=1e-05, momentum=0.1, affine=False, track_running_stats=False)");
    CHECK(plain.parameters().empty());
    CHECK(plain.named_buffers().empty());
    plain.eval();
    const auto x = normal_numbers<double>({4, 3}, 1);
    CHECK(same_bits(plain.forward(x),
                    cpu::batch_norm_forward(x, full<double>({3}, 1), zeros<double>({3}), 1e-5).y)); // the batch's
}

TEMPLATE_TEST_CASE("nn::BatchNorm goes back in training and in evaluation mode", "[nn][batch_norm][gradients]",
                   HANDGRAD_BACKENDS) {
    using B = TestType;
    using T = typename B::Scalar;
    const Shape shape{6, 3, 2, 2};
    const auto x = normal_numbers<T>(shape, 1), dy = normal_numbers<T>(shape, 2);
    for (const bool training : {true, false}) {
        INFO((training ? "training" : "evaluation"));
        nn::BatchNorm2d<B> layer(3);
        layer.weight.value = normal_numbers<T>({3}, 3);
        layer.bias.value = normal_numbers<T>({3}, 4);
        layer.running_mean = normal_numbers<T>({3}, 5);
        layer.train(training);
        const Tensor<double> mean = to<double>(layer.running_mean), var = to<double>(layer.running_var);
        layer.forward(x);
        const Tensor<T> dx = layer.backward(dy);
        const auto loss = [&](const auto& x_, const auto& w_, const auto& b_) {
            using S = typename std::decay_t<decltype(x_)>::value_type;
            const auto cast = [](const Tensor<double>& t) { return to<S>(t); };
            if (training) {
                return check::weighted_sum(reference::batch_norm_forward(x_, w_, b_, 1e-5).y, to<double>(dy));
            }
            Tensor<S> y, rstd;
            reference::batch_norm_eval_forward(x_, w_, b_, cast(mean), cast(var), 1e-5, y, rstd);
            return check::weighted_sum(y, to<double>(dy));
        };
        using check::cast_like;
        const auto xd = to<double>(x), w = to<double>(layer.weight.value), b = to<double>(layer.bias.value);
        check::GradientCheck checker;
        checker.wrt("x", xd, dx, [&](const auto& v) { return loss(v, cast_like(v, w), cast_like(v, b)); });
        checker.wrt("w", w, layer.weight.grad,
                    [&](const auto& v) { return loss(cast_like(v, xd), v, cast_like(v, b)); });
        checker.wrt("b", b, layer.bias.grad, [&](const auto& v) { return loss(cast_like(v, xd), cast_like(v, w), v); });
        INFO(check::to_string(checker));
        CHECK(checker.passed());
        const Tensor<T> dw = layer.weight.grad, db = layer.bias.grad;
        layer.forward(x);
        layer.backward(dy);
        if (training) { // the next mini-batch adds to the gradients
            CHECK(same_bits(layer.weight.grad, Tensor<T>(T(2) * dw)));
            CHECK(same_bits(layer.bias.grad, Tensor<T>(T(2) * db)));
        }
    }
}

TEMPLATE_TEST_CASE("a resumed run has the running statistics of nn::BatchNorm, bit for bit",
                   "[nn][batch_norm][checkpoint]", Cpu<float>, Device<double>) {
    const TemporaryFolder folder;
    using RunOfLayer = LayerRun<TestType, nn::BatchNorm1d<TestType>>;
    RunOfLayer whole(6), first(6), second(6);
    whole.go(4);
    first.go(2);
    train::save_checkpoint(folder / "run", first.run);
    train::load_checkpoint(folder / "run", second.run);
    CHECK(second.bytes(folder) == first.bytes(folder));
    second.go(4);
    CHECK(second.bytes(folder) == whole.bytes(folder));
    CHECK(second.bytes(folder) != first.bytes(folder));
    const auto saved = io::read_safetensors(folder / "run");
    using T = typename TestType::Scalar;
    CHECK(io::tensor_of<T>(*saved.find("2.num_batches_tracked"))() == 2);

    auto without = saved;
    without.tensors.erase(std::find_if(without.tensors.begin(), without.tensors.end(),
                                       [](const auto& tensor) { return tensor.name == "2.running_var"; }));
    write_sealed(folder / "without", without);
    const std::string message = message_of<DataError>([&] { train::load_checkpoint(folder / "without", second.run); });
    CHECK(message == (folder / "without").string() + ": tensor '2.running_var' is missing, expected one of shape (6,)");

    // PyTorch counts the batches in an int64.
    io::Safetensors weights;
    for (const auto& tensor : saved.tensors) {
        const bool of_model = tensor.name[0] >= '0' && tensor.name[0] <= '9';
        if (tensor.name == "2.num_batches_tracked") {
            Tensor<std::int64_t> counter = zeros<std::int64_t>({});
            counter() = 77;
            weights.tensors.push_back(io::stored(tensor.name, counter));
        } else if (of_model) {
            weights.tensors.push_back(tensor);
        }
    }
    io::write_safetensors(folder / "weights", weights);
    train::load_weights<TestType>(folder / "weights", second.model);
    const Tensor<T> counted = TestType::to_host(*second.model.named_buffers()[2].second);
    CHECK(counted() == 77);
}
