// layer_norm on all backends: by the formula, on any rank, against PyTorch and against the complex step; its layer.

#include "catch.hpp"
#include "fixtures/pytorch.hpp"
#include "handgrad/backends/cpu.hpp"
#include "handgrad/backends/reference.hpp"
#include "handgrad/check/check.hpp"
#include "handgrad/nn/nn.hpp"
#include "support/gradients.hpp"
#include "support/tensors.hpp"

using namespace handgrad;
using namespace support;

namespace {

constexpr double layer_norm_eps = 1e-5;

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

TEMPLATE_TEST_CASE("layer_norm: by the formula, on any rank, in dirty buffers, added up", "[ops][layer_norm]",
                   HANDGRAD_BACKENDS) {
    using B = TestType;
    using T = typename B::Scalar;
    for (const Shape& shape : layer_norm_shapes) {
        INFO(to_string(shape));
        const Shape features{shape.back()};
        const auto x = normal_numbers<T>(shape, 1), dy = normal_numbers<T>(shape, 2);
        const auto w = normal_numbers<T>(features, 3), b = normal_numbers<T>(features, 4);
        const ExpectedLayerNorm expected(x, w, b, dy);
        auto y = full<T>({2}, T(7)), mean = full<T>({3}, T(7)), rstd = full<T>({1}, T(7)), dx = full<T>({9}, T(7));
        B::layer_norm_forward(x, w, b, layer_norm_eps, y, mean, rstd);
        B::layer_norm_backward_input(x, w, mean, rstd, dy, dx);
        auto dw = full<T>({5}, T(7)), db = full<T>({2, 2}, T(7));
        B::layer_norm_backward_parameters(x, mean, rstd, dy, dw, db);
        REQUIRE(mean.shape() == without_last(shape));
        const double many = std::sqrt(1.0 + static_cast<double>(x.size()) / static_cast<double>(w.size()));
        // A row of one feature has the variance 0: r is 300, and so is the factor of all rounding in dx.
        const double stretched = shape.back() == 1 ? 1000 : 10;
        REQUIRE(difference(y, expected.y) <= 10 * rounding<T>());
        REQUIRE(difference(dx, expected.dx) <= stretched * rounding<T>());
        REQUIRE(difference(dw, expected.dw) <= 10 * many * rounding<T>());
        REQUIRE(difference(db, expected.db) <= 10 * many * rounding<T>());

        const Tensor<T> dw_once = dw, db_once = db;
        B::layer_norm_backward_parameters(x, mean, rstd, dy, dw, db, Accumulate::yes);
        REQUIRE(same_bits(dw, Tensor<T>(dw_once + dw_once)));
        REQUIRE(same_bits(db, Tensor<T>(db_once + db_once)));
        const auto again = B::layer_norm_forward(x, w, b, layer_norm_eps);
        REQUIRE(same_bits(again.y, y));
    }
}

TEMPLATE_TEST_CASE("gradients of layer_norm", "[gradients]", HANDGRAD_BACKENDS) {
    using B = TestType;
    using T = typename B::Scalar;
    using check::weighted_sum;
    for (const Shape& shape : {Shape{3, 5}, Shape{2, 3, 4}, Shape{4, 20}}) {
        INFO(to_string(shape));
        const Shape features{shape.back()};
        const auto x = normal_numbers<double>(shape, 1), dy = normal_numbers<double>(shape, 2);
        const auto w = normal_numbers<double>(features, 3), b = normal_numbers<double>(features, 4);
        const Tensor<T> xt = to<T>(x), wt = to<T>(w), bt = to<T>(b), dyt = to<T>(dy);
        const auto kept = B::layer_norm_forward(xt, wt, bt, layer_norm_eps);
        const auto loss = [&](const auto& x_, const auto& w_, const auto& b_) {
            return weighted_sum(reference::layer_norm_forward(x_, w_, b_, layer_norm_eps).y, dy);
        };
        using check::cast_like;
        const Numeric dx(
            "dx", [&](const auto& v) { return loss(v, cast_like(v, w), cast_like(v, b)); }, x);
        const Numeric dw(
            "dw", [&](const auto& v) { return loss(cast_like(v, x), v, cast_like(v, b)); }, w);
        const Numeric db(
            "db", [&](const auto& v) { return loss(cast_like(v, x), cast_like(v, w), v); }, b);
        Tensor<T> got_w, got_b;
        B::layer_norm_backward_parameters(xt, kept.mean, kept.rstd, dyt, got_w, got_b);
        dx.prove(B::layer_norm_backward_input(xt, wt, kept.mean, kept.rstd, dyt));
        dw.prove(got_w);
        db.prove(got_b);
        const Tensor<T> ones = full<T>(features, T(1));
        dx.refuse("w is missing", B::layer_norm_backward_input(xt, ones, kept.mean, kept.rstd, dyt));
        const Tensor<T> squared = kept.rstd * kept.rstd;
        dx.refuse("r is squared", B::layer_norm_backward_input(xt, wt, kept.mean, squared, dyt));
    }
}

TEMPLATE_TEST_CASE("layer_norm equals PyTorch's", "[ops][torch]", HANDGRAD_BACKENDS) {
    using B = TestType;
    using T = typename B::Scalar;
    REQUIRE(pytorch::cases("layer_norm").size() == 6);
    for (const pytorch::Case& c : pytorch::cases("layer_norm")) {
        INFO(c.name);
        const auto x = c.get<T>("x"), w = c.get<T>("w"), b = c.get<T>("b"), dy = c.get<T>("dy");
        const auto kept = B::layer_norm_forward(x, w, b, c.options.at("eps").template get<double>());
        CHECK(difference(kept.y, c.get<double>("y")) <= 10 * rounding<T>());
        CHECK(difference(B::layer_norm_backward_input(x, w, kept.mean, kept.rstd, dy), c.get<double>("dx")) <=
              10 * rounding<T>());
        Tensor<T> dw, db;
        B::layer_norm_backward_parameters(x, kept.mean, kept.rstd, dy, dw, db);
        CHECK(difference(dw, c.get<double>("dw")) <= 10 * rounding<T>());
        CHECK(difference(db, c.get<double>("db")) <= 10 * rounding<T>());
    }
}

TEMPLATE_TEST_CASE("layer_norm: the same bits on any number of threads", "[ops][threads]", HANDGRAD_BACKENDS) {
    using B = TestType;
    using T = typename B::Scalar;
    const auto x = normal_numbers<T>({600, 300}, 1), dy = normal_numbers<T>({600, 300}, 2);
    const auto w = normal_numbers<T>({300}, 3), b = normal_numbers<T>({300}, 4);
    Tensor<T> first[4];
    for (const int threads : {1, 2, 3}) {
        const Threads use(threads);
        const auto kept = B::layer_norm_forward(x, w, b, layer_norm_eps);
        const Tensor<T> dx = B::layer_norm_backward_input(x, w, kept.mean, kept.rstd, dy);
        Tensor<T> dw, db;
        B::layer_norm_backward_parameters(x, kept.mean, kept.rstd, dy, dw, db);
        if (threads == 1) {
            first[0] = kept.y, first[1] = dx, first[2] = dw, first[3] = db;
            continue;
        }
        CHECK(same_bits(kept.y, first[0]));
        CHECK(same_bits(dx, first[1]));
        CHECK(same_bits(dw, first[2]));
        CHECK(same_bits(db, first[3]));
    }
}

TEMPLATE_TEST_CASE("layer_norm: errors", "[ops][layer_norm]", HANDGRAD_BACKENDS) {
    using B = TestType;
    using T = typename B::Scalar;
    const auto x = zeros<T>({2, 3}), w = zeros<T>({3}), b = zeros<T>({3});
    CHECK(message_of([&] {
              B::layer_norm_forward(zeros<T>({2, 0}), w, b, 1e-5);
          }) == "layer_norm_forward: the last extent of x is 0, expected at least 1");
    CHECK(message_of([&] { B::layer_norm_forward(x, zeros<T>({2}), b, 1e-5); }) ==
          "layer_norm_forward: w has shape (2,), expected (3,)");
    CHECK(message_of([&] { B::layer_norm_forward(x, w, zeros<T>({1}), 1e-5); }) ==
          "layer_norm_forward: b has shape (1,), expected (3,)");
    const auto kept = B::layer_norm_forward(x, w, b, 1e-5);
    CHECK(message_of([&] {
              B::layer_norm_backward_input(x, w, kept.mean, kept.rstd, zeros<T>({3, 2}));
          }) == "layer_norm_backward_input: dy has shape (3, 2), expected (2, 3)");
    Tensor<T> dw = zeros<T>({4}), db = zeros<T>({3});
    CHECK(message_of([&] { B::layer_norm_backward_parameters(x, kept.mean, kept.rstd, x, dw, db, Accumulate::yes); }) ==
          "layer_norm_backward_parameters: dw has shape (4,), expected (3,)");
}

TEST_CASE("nn::LayerNorm prints and starts as PyTorch's, and is what it says", "[nn]") {
    nn::LayerNorm<Cpu<double>> layer(5);
    CHECK(layer.to_string() == "LayerNorm((5,), eps=1e-05, elementwise_affine=True)");
    CHECK(same_bits(layer.weight.value, full<double>({5}, 1)));
    CHECK(same_bits(layer.bias.value, zeros<double>({5})));
    CHECK(layer.output_shape({2, 3, 5}) == Shape{2, 3, 5});
    CHECK(message_of([&] { layer.output_shape({2, 4}); }) == "LayerNorm: x has shape (2, 4), expected (2, 5)");
    CHECK(message_of([] { nn::LayerNorm<Cpu<double>> none(0); }) == "LayerNorm: features is 0, expected at least 1");
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
