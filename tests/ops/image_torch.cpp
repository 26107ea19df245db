// The operations on images, on all backends, against PyTorch's results in float64 (fixtures/make_pytorch_fixtures.py).

#include "catch.hpp"
#include "fixtures/pytorch.hpp"
#include "handgrad/backends/cpu.hpp"
#include "handgrad/backends/reference.hpp"
#include "support/options.hpp"
#include "support/tensors.hpp"

using namespace handgrad;
using namespace support;

namespace {

/// Whether all numbers are equal, NaN counting as equal to NaN.
template <class T> bool equal_or_nan(const Tensor<T>& a, const Tensor<T>& b) {
    return a.shape() == b.shape() && std::equal(a.data(), a.data() + a.size(), b.data(),
                                                [](T u, T v) { return u == v || (std::isnan(u) && std::isnan(v)); });
}

Conv2dOptions options_of(const pytorch::Case& c) {
    Conv2dOptions options;
    options.stride = c.pair("stride");
    options.padding = c.pair("padding");
    options.dilation = c.pair("dilation");
    options.groups = c.options.at("groups");
    return options;
}

/// The case's bias; empty where it has none.
template <class T> Tensor<T> bias_of(const pytorch::Case& c) { return c.has("b") ? c.get<T>("b") : zeros<T>(Shape{0}); }

} // namespace

TEMPLATE_TEST_CASE("conv2d equals PyTorch's, to the last bit", "[ops][conv2d][torch]", HANDGRAD_BACKENDS) {
    using B = TestType;
    using T = typename B::Scalar;
    REQUIRE(pytorch::cases("conv2d").size() == 16);
    for (const pytorch::Case& c : pytorch::cases("conv2d")) {
        INFO(c.name);
        Conv2dOptions options = options_of(c);
        const auto x = c.get<T>("x"), w = c.get<T>("w"), b = bias_of<T>(c);
        for (const auto algorithm : conv_algorithms) {
            options.algorithm = algorithm;
            CHECK(equal_numbers(B::conv2d_forward(x, w, b, options), c.get<T>("y")));
            const Conv2dGradients<Tensor<T>> g = B::conv2d_backward(x, w, c.get<T>("dy"), options);
            CHECK(equal_numbers(g.dx, c.get<T>("dx")));
            CHECK(equal_numbers(g.dw, c.get<T>("dw")));
            if (b.size() != 0) { CHECK(equal_numbers(g.db, c.get<T>("db"))); }
        }
    }
}

TEMPLATE_TEST_CASE("conv2d_relu_max_pool2d equals PyTorch's three, to the last bit", "[ops][conv2d][torch]",
                   HANDGRAD_BACKENDS) {
    using B = TestType;
    using T = typename B::Scalar;
    REQUIRE(pytorch::cases("conv2d_relu_max_pool2d").size() == 14);
    for (const pytorch::Case& c : pytorch::cases("conv2d_relu_max_pool2d")) {
        INFO(c.name);
        const Conv2dOptions options = options_of(c);
        const auto x = c.get<T>("x"), w = c.get<T>("w"), b = bias_of<T>(c), dy = c.get<T>("dy");
        Tensor<T> y, winners, dx, dw, db;
        B::conv2d_relu_max_pool2d_forward(x, w, b, options, y, winners);
        B::conv2d_relu_max_pool2d_backward_input(dy, winners, w, x.shape(), options, dx);
        B::conv2d_relu_max_pool2d_backward_parameters(x, dy, winners, w.shape(), options, dw, db);
        CHECK(equal_numbers(y, c.get<T>("y")));
        CHECK(equal_numbers(dx, c.get<T>("dx")));
        CHECK(equal_numbers(dw, c.get<T>("dw")));
        if (b.size() != 0) { CHECK(equal_numbers(db, c.get<T>("db"))); }
    }
}

TEMPLATE_TEST_CASE("max_pool2d equals PyTorch's, winners too, with ties and NaN", "[ops][max_pool2d][torch]",
                   HANDGRAD_BACKENDS) {
    using B = TestType;
    using T = typename B::Scalar;
    REQUIRE(pytorch::cases("max_pool2d").size() == 40);
    std::size_t with_nan = 0;
    for (const pytorch::Case& c : pytorch::cases("max_pool2d")) {
        INFO(c.name);
        const MaxPool2dOptions options(c.pair("kernel_size"), c.pair("stride"), c.pair("padding"), c.pair("dilation"),
                                       c.options.at("ceil_mode"));
        const auto x = c.get<T>("x");
        const auto result = B::max_pool2d_forward(x, options);
        CHECK(equal_or_nan(result.y, c.get<T>("y")));
        CHECK(equal_numbers(result.indices, c.get<std::int32_t>("indices")));
        CHECK(equal_numbers(B::max_pool2d_backward(c.get<T>("dy"), result.indices, x.shape()), c.get<T>("dx")));
        with_nan += std::any_of(result.y.data(), result.y.data() + result.y.size(), [](T v) { return std::isnan(v); });
    }
    CHECK(with_nan > 10);
}

TEMPLATE_TEST_CASE("avg_pool2d equals PyTorch's", "[ops][avg_pool2d][torch]", HANDGRAD_BACKENDS) {
    using B = TestType;
    using T = typename B::Scalar;
    REQUIRE(pytorch::cases("avg_pool2d").size() == 28);
    for (const pytorch::Case& c : pytorch::cases("avg_pool2d")) {
        INFO(c.name);
        const AvgPool2dOptions options(c.pair("kernel_size"), c.pair("stride"), c.pair("padding"),
                                       c.options.at("ceil_mode"), c.options.at("count_include_pad"));
        const auto x = c.get<T>("x");
        CHECK(difference(B::avg_pool2d_forward(x, options), c.get<double>("y")) <= rounding<T>());
        CHECK(difference(B::avg_pool2d_backward(c.get<T>("dy"), x.shape(), options), c.get<double>("dx")) <=
              rounding<T>());
    }
}
