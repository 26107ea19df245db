// layer_norm: its entry in the table of operations; by the formula, on any rank; its layer.

#include <algorithm>
#include <cmath>

#include "catch.hpp"
#include "handgrad/backends/cpu.hpp"
#include "handgrad/nn/nn.hpp"
#include "nlohmann/json.hpp"
#include "support/operation.hpp"
#include "support/tensors.hpp"

using namespace handgrad;
using namespace support;

namespace {

constexpr double layer_norm_eps = 1e-5;

Chain layer_norm(double eps = layer_norm_eps) {
    return {Operation::forward("layer_norm_forward", "x w b -> y mean rstd",
                               [=](auto on, auto& a) {
                                   on.layer_norm_forward(a["x"], a["w"], a["b"], eps, a["y"], a["mean"], a["rstd"]);
                               }),
            {{"layer_norm_backward_input", "x w mean rstd dy -> dx",
              [](auto on, auto& a) {
                  on.layer_norm_backward_input(a["x"], a["w"], a["mean"], a["rstd"], a["dy"], a["dx"]);
              }},
             {"layer_norm_backward_parameters", "x mean rstd dy -> dw+ db+", [](auto on, auto& a) {
                  on.layer_norm_backward_parameters(a["x"], a["mean"], a["rstd"], a["dy"], a["dw"], a["db"], a.mode);
              }}}};
}

template <class Fill> Values layer_norm_arguments(const Shape& shape, const Fill& fill) {
    return {{"x", fill(shape, 1)}, {"w", fill({shape.back()}, 3)}, {"b", fill({shape.back()}, 4)}};
}

std::vector<Refusal> layer_norm_refusals() {
    const auto t = [](const Shape& shape) { return zeros<double>(shape); };
    const Chain chain = layer_norm();
    const auto forward = [&](const Shape& x, const Shape& w, const Shape& b, const std::string& message,
                             double eps = layer_norm_eps) {
        return Refusal{layer_norm(eps).forward, {{"x", t(x)}, {"w", t(w)}, {"b", t(b)}}, message};
    };
    return {forward({2, 0}, {3}, {3}, "the last extent of x is 0, expected at least 1"),
            forward({2, 3}, {2}, {3}, "w has shape (2,), expected (3,)"),
            forward({2, 3}, {3}, {1}, "b has shape (1,), expected (3,)"),
            forward({2, 3}, {3}, {3}, "eps is -1, expected at least 0", -1),
            forward({2, 3}, {3}, {3}, "eps is nan, expected at least 0", std::nan("")),
            {chain["layer_norm_backward_input"],
             {{"x", t({2, 3})}, {"w", t({3})}, {"mean", t({2})}, {"rstd", t({2})}, {"dy", t({3, 2})}},
             "dy has shape (3, 2), expected (2, 3)"},
            {chain["layer_norm_backward_parameters"],
             {{"x", t({2, 3})}, {"mean", t({2})}, {"rstd", t({2})}, {"dy", t({2, 3})}, {"dw", t({4})}, {"db", t({3})}},
             "dw has shape (4,), expected (3,)"}};
}

Tested tested_layer_norm() {
    Tested t;
    t.name = "layer_norm";
    t.is_exact = false;
    // Normal numbers: a row of equal numbers has the variance 0, and then rounding counts.
    t.batch = [](std::size_t n) {
        return Example{"", layer_norm(), layer_norm_arguments({n, 17}, normal_numbers<double>)};
    };
    t.forms = {{"layer_norm_forward", "x w b -> y mean rstd",
                [](auto on, auto& a) {
                    auto r = on.layer_norm_forward(a["x"], a["w"], a["b"], layer_norm_eps);
                    a["y"] = r.y, a["mean"] = r.mean, a["rstd"] = r.rstd;
                }},
               {"layer_norm_backward_input", "x w mean rstd dy -> dx", [](auto on, auto& a) {
                    a["dx"] = on.layer_norm_backward_input(a["x"], a["w"], a["mean"], a["rstd"], a["dy"]);
                }}};
    t.refusals = layer_norm_refusals;
    const auto of_shapes = [](const std::vector<Shape>& shapes) {
        std::vector<Example> all;
        for (const Shape& shape : shapes) {
            all.push_back({to_string(shape), layer_norm(), layer_norm_arguments(shape, normal_numbers<double>)});
        }
        return all;
    };
    t.gradients = [=] { return of_shapes({{3, 5}, {2, 3, 4}, {4, 20}}); };
    t.mistakes = {{"dx", "w is missing",
                   [](const Backend& on, const Chain& chain, Values values) {
                       values["w"].fill(1);
                       chain["layer_norm_backward_input"](on, values);
                       return values.at("dx");
                   }},
                  {"dx", "r is squared", [](const Backend& on, const Chain& chain, Values values) {
                       const Tensor<double> squared = values["rstd"] * values["rstd"];
                       values["rstd"] = squared;
                       chain["layer_norm_backward_input"](on, values);
                       return values.at("dx");
                   }}};
    t.large = [=] { return of_shapes({{600, 300}}); };
    t.threads_on_device = true;
    t.cases = 6;
    t.torch_tolerance = 10;
    t.torch_chain = [](const nlohmann::ordered_json& options) {
        return std::vector<Chain>{layer_norm(options.at("eps").get<double>())};
    };
    return t;
}

/// Rows and features: one of each, partial registers, several chunks for the threads and blocks of features.
const Shape layer_norm_shapes[] = {{1, 1},   {3, 5},        {2, 3, 4},  {7, 16}, {5, 17},
                                   {4, 130}, {2, 2, 2, 33}, {700, 100}, {0, 4},  {6}};

/// y, dx, dw and db in long double.
struct ExpectedLayerNorm {
    Tensor<double> y, dx, dw, db;
    template <class T>
    ExpectedLayerNorm(const Tensor<T>& x, const Tensor<T>& w, const Tensor<T>& b, const Tensor<T>& dy)
        : y(x.shape()), dx(x.shape()), dw(zeros<double>(w.shape())), db(zeros<double>(w.shape())) {
        const std::size_t D = w.size(), N = x.size() / D;
        std::vector<long double> dw_sum(D), db_sum(D);
        for (std::size_t n = 0; n < N; ++n) {
            const T *xn = x.data() + n * D, *dyn = dy.data() + n * D;
            long double mu = 0, variance = 0, g = 0, gx = 0;
            for (std::size_t d = 0; d < D; ++d) { mu += static_cast<long double>(xn[d]) / D; }
            for (std::size_t d = 0; d < D; ++d) { variance += (xn[d] - mu) * (xn[d] - mu) / D; }
            const long double r = 1 / std::sqrt(variance + layer_norm_eps);
            for (std::size_t d = 0; d < D; ++d) {
                g += dyn[d] * static_cast<long double>(w(d)) / D;
                gx += dyn[d] * static_cast<long double>(w(d)) * (xn[d] - mu) * r / D;
                dw_sum[d] += dyn[d] * (xn[d] - mu) * r;
                db_sum[d] += dyn[d];
            }
            for (std::size_t d = 0; d < D; ++d) {
                const long double x_hat = (xn[d] - mu) * r;
                y.data()[n * D + d] = static_cast<double>(x_hat * w(d) + b(d));
                dx.data()[n * D + d] =
                    static_cast<double>(r * (dyn[d] * static_cast<long double>(w(d)) - g - x_hat * gx));
            }
        }
        for (std::size_t d = 0; d < D; ++d) {
            dw(d) = static_cast<double>(dw_sum[d]);
            db(d) = static_cast<double>(db_sum[d]);
        }
    }
};

} // namespace

HANDGRAD_TEST_OPERATION("layer_norm", tested_layer_norm())

HANDGRAD_TEST_ON_BACKENDS("layer_norm: by the formula, on any rank, in dirty buffers, added up", "[ops][layer_norm]") {
    for (const Shape& shape : layer_norm_shapes) {
        INFO(to_string(shape));
        Values values = layer_norm_arguments(shape, normal_numbers<double>);
        values["dy"] = normal_numbers<double>(shape, 2);
        const ExpectedLayerNorm expected(values["x"], values["w"], values["b"], values["dy"]);
        for (const char* result : {"y", "mean", "rstd", "dx", "dw", "db"}) { values[result] = full<double>({2, 2}, 7); }
        const Values got = layer_norm()(on, values);
        REQUIRE(got.at("mean").shape() == without_last(shape));
        const double rows = static_cast<double>(got.at("mean").size()), many = std::sqrt(1.0 + rows);
        REQUIRE(difference(got.at("y"), expected.y) <= 10 * on.rounding());
        if (shape.back() == 1) { // dx is 0; the variance is 0, so r is 300, and so is the factor of all rounding
            const Tensor<double>& dx = got.at("dx");
            REQUIRE(std::all_of(dx.data(), dx.data() + dx.size(),
                                [&](double entry) { return std::abs(entry) <= 1000 * on.rounding(); }));
        } else {
            REQUIRE(difference(got.at("dx"), expected.dx) <= 10 * on.rounding());
        }
        REQUIRE(difference(got.at("dw"), expected.dw) <= 10 * many * on.rounding());
        REQUIRE(difference(got.at("db"), expected.db) <= 10 * many * on.rounding());
        const Values twice = layer_norm()(on, got, Accumulate::yes);
        REQUIRE(same_bits(twice.at("dw"), Tensor<double>(2.0 * got.at("dw"))));
        REQUIRE(same_bits(twice.at("db"), Tensor<double>(2.0 * got.at("db"))));
    }
}

TEST_CASE("nn::LayerNorm prints and starts as PyTorch's, and is what it says", "[nn]") {
    nn::LayerNorm<Cpu<double>> layer(5);
    CHECK(layer.to_string() == "LayerNorm((5,), eps=1e-05, elementwise_affine=True)");
    CHECK(same_bits(layer.weight.value, full<double>({5}, 1)));
    CHECK(same_bits(layer.bias.value, zeros<double>({5})));
    CHECK(layer.output_shape({2, 3, 5}) == Shape{2, 3, 5});
    CHECK(message_of([&] { layer.output_shape({2, 4}); }) == "LayerNorm: x has shape (2, 4), expected (2, 5)");
    CHECK(message_of([] { nn::LayerNorm<Cpu<double>> none(0); }) == "LayerNorm: features is 0, expected at least 1");
    CHECK(message_of([] { nn::LayerNorm<Cpu<double>> negative(5, -1); }) ==
          "LayerNorm: eps is -1, expected at least 0");
    const auto x = normal_numbers<double>({2, 3, 5}, 1), dy = normal_numbers<double>({2, 3, 5}, 2);
    const auto expected = cpu::layer_norm_forward(x, layer.weight.value, layer.bias.value, 1e-5);
    CHECK(same_bits(layer.forward(x), expected.y));
    CHECK(same_bits(layer.backward(dy),
                    cpu::layer_norm_backward_input(x, layer.weight.value, expected.mean, expected.rstd, dy)));
    Tensor<double> dw, db;
    cpu::layer_norm_backward_parameters(x, expected.mean, expected.rstd, dy, dw, db);
    CHECK(same_bits(layer.weight.grad, dw));
    CHECK(same_bits(layer.bias.grad, db));
}
