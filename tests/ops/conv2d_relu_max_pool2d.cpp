// Convolution, ReLU and 2 x 2 pooling in one pass, against the three operations one after another.

#include "catch.hpp"
#include "handgrad/nn/nn.hpp"
#include "ops/chains.hpp"
#include "ops/images.hpp"
#include "support/tensors.hpp"

using namespace handgrad;
using namespace support;

namespace {

template <class Fill> Values fused_arguments(const Shape& x, const Shape& w, const Fill& fill) {
    return {{"x", fill(x, 1)}, {"w", fill(w, 2)}, {"b", fill({w[0]}, 3)}};
}

/// The three operations one after another, for the same arguments.
Values one_after_another(const Backend& on, const Values& v, const Conv2dOptions& options) {
    const Chain convolution = conv2d(options), pooling = max_pool2d(Size2d(2)), relu = chain_of("relu");
    Values z = convolution(on, {{"x", v.at("x")}, {"w", v.at("w")}, {"b", v.at("b")}});
    Values h = relu(on, {{"x", z.at("y")}});
    const Values pooled = pooling(on, {{"x", h.at("y")}, {"dy", v.at("dy")}});
    h["dy"] = pooled.at("dx");
    z["dy"] = relu(on, h).at("dx");
    Values result = convolution(on, z);
    result["y"] = pooled.at("y");
    return result;
}

std::vector<Refusal> fused_refusals() {
    const auto t = [](const Shape& shape) { return zeros<double>(shape); };
    const auto forward = [&](const Shape& x, const Shape& w, const Shape& b, const std::string& message,
                             const Conv2dOptions& options = {}) {
        return Refusal{conv2d_relu_max_pool2d(options).forward, {{"x", t(x)}, {"w", t(w)}, {"b", t(b)}}, message};
    };
    const Chain chain = conv2d_relu_max_pool2d();
    return {forward({2, 1, 5, 5}, {3, 1, 5, 4}, {3},
                    "the convolution's result has shape (2, 3, 1, 2), expected at least 2 x 2 pixels"),
            forward({2, 1, 5, 5}, {3, 2, 2, 2}, {3}, "w has shape (3, 2, 2, 2), expected (3, 1, 2, 2)"),
            forward({2, 1, 5, 5}, {3, 1, 2, 2}, {2}, "b has shape (2,), expected (3,)"),
            forward({2, 1, 5, 5}, {3, 1, 2, 2}, {3}, ""),
            forward({1, 1, 6, 6}, {1, 1, 3, 3}, {1}, "padding is -1, expected at least 0",
                    conv(1, static_cast<std::size_t>(-1))),
            {chain["conv2d_relu_max_pool2d_backward_input"],
             {{"x", t({2, 1, 5, 5})}, {"w", t({3, 1, 2, 2})}, {"dy", t({2, 3, 2, 3})}, {"winners", t({2, 3, 2, 2})}},
             "dy has shape (2, 3, 2, 3), expected (2, 3, 2, 2)"}};
}

std::vector<Example> fused_examples(std::initializer_list<std::pair<Shape, Shape>> shapes) {
    std::vector<Example> all;
    for (const auto& [x, w] : shapes) {
        all.push_back({to_string(x), conv2d_relu_max_pool2d(), fused_arguments(x, w, normal_numbers<double>)});
    }
    return all;
}

Tested tested_fused() {
    Tested t;
    t.name = "conv2d_relu_max_pool2d";
    t.folds_rows = false;
    t.batch = [](std::size_t n) {
        return Example{"", conv2d_relu_max_pool2d(),
                       fused_arguments({n, 2, 7, 6}, {3, 2, 2, 3}, whole_numbers<double>)};
    };
    t.refusals = fused_refusals;
    t.aliased = [] {
        return std::vector<Example>{{"", conv2d_relu_max_pool2d(conv(1, 1)),
                                     fused_arguments({2, 2, 4, 4}, {2, 2, 3, 3}, whole_numbers<double>)}};
    };
    t.gradients = [] {
        return fused_examples(
            {{{1, 1, 5, 6}, {2, 1, 2, 3}}, {{3, 2, 5, 4}, {2, 2, 2, 3}}, {{17, 1, 4, 5}, {2, 1, 2, 3}}});
    };
    t.large = [] { return fused_examples({{{64, 1, 28, 28}, {10, 1, 5, 5}}, {{301, 10, 12, 12}, {20, 10, 5, 5}}}); };
    t.cases = 14;
    t.torch_tolerance = 0;
    t.torch_chain = [](const nlohmann::ordered_json& options) {
        return std::vector<Chain>{conv2d_relu_max_pool2d(conv_options(options))};
    };
    return t;
}

#ifdef HANDGRAD_SANITIZED
constexpr std::size_t grid_step = 7; // of no common factor with the sides of the grid: every pair of values occurs
#else
constexpr std::size_t grid_step = 1;
#endif

} // namespace

HANDGRAD_TEST_OPERATION("conv2d_relu_max_pool2d", tested_fused())

Chain support::conv2d_relu_max_pool2d(const Conv2dOptions& options) {
    return {
        Operation::forward("conv2d_relu_max_pool2d_forward", "x w b -> y winners",
                           [=](auto on, auto& a) {
                               on.conv2d_relu_max_pool2d_forward(a["x"], a["w"], a["b"], options, a["y"], a["winners"]);
                           }),
        {{"conv2d_relu_max_pool2d_backward_input", "dy winners w x:shape -> dx",
          [=](auto on, auto& a) {
              on.conv2d_relu_max_pool2d_backward_input(a["dy"], a["winners"], a["w"], a.shape("x"), options, a["dx"]);
          }},
         {"conv2d_relu_max_pool2d_backward_parameters", "x dy winners w:shape -> dw+ db+", [=](auto on, auto& a) {
              on.conv2d_relu_max_pool2d_backward_parameters(a["x"], a["dy"], a["winners"], a.shape("w"), options,
                                                            a["dw"], a["db"], a.mode);
          }}}};
}

HANDGRAD_TEST_ON_BACKENDS("conv2d_relu_max_pool2d is exactly its three operations", "[ops][fused]") {
    std::size_t compared = 0, position = 0;
    for (const std::size_t n : {1, 2, 3, 7, 17, 40}) {
        for (const std::size_t c : {1, 3}) {
            for (const std::size_t groups : {1, 2}) {
                for (const std::size_t k : {1, 4, 7}) {
                    for (const Size2d stride : {Size2d(1), Size2d(2, 1), Size2d(1, 3)}) {
                        for (const Size2d padding : {Size2d(0), Size2d(1, 2), Size2d(3, 0)}) {
                            for (const Size2d dilation : {Size2d(1), Size2d(2, 1)}) {
                                if (position++ % grid_step != 0) { continue; }
                                Conv2dOptions options;
                                options.stride = stride;
                                options.padding = padding;
                                options.dilation = dilation;
                                options.groups = groups;
                                const Shape shape_x{n, c * groups, 9, 8}, shape_w{k * groups, c, 3, 2};
                                INFO("x " << to_string(shape_x) << ", w " << to_string(shape_w) << ", stride "
                                          << to_string(stride) << ", padding " << to_string(padding) << ", dilation "
                                          << to_string(dilation) << ", groups " << groups);
                                // Small whole numbers: ties abound, and every sum is exact.
                                const Chain chain = conv2d_relu_max_pool2d(options);
                                const Values arguments =
                                    chain.with_upstream(fused_arguments(shape_x, shape_w, whole_numbers<double>),
                                                        whole_numbers<double>, on);
                                const Values got = chain(on, arguments),
                                             expected = one_after_another(reference_double, arguments, options);
                                const bool equal = equal_numbers(got.at("y"), expected.at("y")) &&
                                                   equal_numbers(got.at("dx"), expected.at("dx")) &&
                                                   equal_numbers(got.at("dw"), expected.at("dw")) &&
                                                   equal_numbers(got.at("db"), expected.at("db"));
                                CHECK(equal);
                                ++compared;
                            }
                        }
                    }
                }
            }
        }
    }
    CHECK(position == 6 * 2 * 2 * 3 * 3 * 3 * 2);
    CHECK(compared == (position + grid_step - 1) / grid_step);
}

HANDGRAD_TEST_ON_BACKENDS("conv2d_relu_max_pool2d: no bias, added gradients, dirty buffers, NaN", "[ops][fused]") {
    const Chain chain = conv2d_relu_max_pool2d();
    const char* const results[] = {"y", "dx", "dw", "db"};
    Values arguments = fused_arguments({19, 2, 7, 6}, {3, 2, 2, 3}, whole_numbers<double>);
    arguments["dy"] = whole_numbers<double>({19, 3, 3, 2}, 3);
    arguments["b"] = zeros<double>({3});
    const Values expected = one_after_another(reference_double, arguments, {});
    arguments["b"] = zeros<double>({0});
    const Values got = chain(on, arguments);
    CHECK(equal_numbers(got.at("y"), expected.at("y")));
    for (const double dirt : {999.0, std::numeric_limits<double>::quiet_NaN()}) {
        for (const bool same_shape : {true, false}) {
            Values dirty = got;
            for (const char* result : results) {
                dirty[result] = full<double>(same_shape ? got.at(result).shape() : Shape{3, 1, 2}, dirt);
            }
            for (int call = 0; call < 2; ++call) {
                dirty = chain(on, dirty);
                for (const char* result : results) { CHECK(same_bits(dirty.at(result), got.at(result))); }
            }
        }
    }
    Values added = got;
    added["dw"].fill(100);
    added["db"].fill(50);
    added = chain(on, added, Accumulate::yes);
    CHECK(equal_numbers(added.at("dw"), Tensor<double>(expected.at("dw") + 100.0)));
    CHECK(equal_numbers(added.at("db"), Tensor<double>(expected.at("db") + 50.0)));

    // A NaN in one image stays in that image, passes the ReLU, and wins its windows.
    Values broken = arguments;
    broken["x"](4, 0, 3, 3) = std::numeric_limits<double>::quiet_NaN();
    const Values y = chain(on, broken);
    broken["b"] = zeros<double>({3});
    const Tensor<double> after = one_after_another(reference_double, broken, {}).at("y");
    std::size_t nans = 0;
    for (std::size_t i = 0; i < after.size(); ++i) {
        const double ours = y.at("y").data()[i], right = after.data()[i];
        const bool same = ours == right || (std::isnan(ours) && std::isnan(right));
        CHECK(same);
        nans += std::isnan(ours);
    }
    CHECK(nans > 0);
}

HANDGRAD_TEST_ON_BACKENDS("conv2d_relu_max_pool2d: winners and gradients of other shapes", "[ops][fused]") {
    const Chain chain = conv2d_relu_max_pool2d();
    Values values = fused_arguments({2, 1, 5, 5}, {3, 1, 2, 2}, whole_numbers<double>);
    values["dy"] = zeros<double>({2, 3, 2, 2});
    const Values right = chain(on, values);
    Values foreign = right;
    foreign["winners"] = zeros<double>({1});
    const Operation &input = chain["conv2d_relu_max_pool2d_backward_input"],
                    &parameters = chain["conv2d_relu_max_pool2d_backward_parameters"];
    CHECK_THROWS_AS(input(on, foreign), ShapeError);
    CHECK_THROWS_AS(parameters(on, foreign), ShapeError);
    foreign = right;
    foreign["db"] = zeros<double>({2});
    CHECK_THROWS_AS(parameters(on, foreign, Accumulate::yes), ShapeError);
}

TEMPLATE_TEST_CASE("ConvReLUMaxPool2d: fused or not, the same module", "[nn][fused]", HANDGRAD_BACKENDS) {
    using B = TestType;
    using T = typename B::Scalar;
    Random random(1), again(1);
    nn::ConvReLUMaxPool2d<B> one(2, 3, Size2d(3, 2), random), other(2, 3, Size2d(3, 2), again);
    other.fuse(false);
    CHECK(one.to_string() == "Sequential(\n  (0): Conv2d(2, 3, kernel_size=(3, 2), stride=(1, 1))\n  (1): ReLU()\n"
                             "  (2): MaxPool2d(kernel_size=2, stride=2, padding=0, dilation=1, ceil_mode=False)\n)");
    CHECK(one.named_parameters()[0].first == "0.weight");
    const auto x = normal_numbers<T>({18, 2, 8, 7}, 5);
    CHECK_THROWS_AS(one.backward(x), std::logic_error);
    const Tensor<T> y = one(x), y_other = other(x);
    CHECK(y.shape() == one.output_shape(x.shape()));
    CHECK(difference(y, y_other) <= rounding<T>());
    const auto dy = normal_numbers<T>(y.shape(), 6);
    for (int time = 1; time <= 2; ++time) { // gradients add up
        const Tensor<T> dx = one.backward(dy), dx_other = other.backward(dy);
        CHECK(difference(dx, dx_other) <= rounding<T>());
        for (std::size_t i = 0; i < 2; ++i) {
            CHECK(difference(one.parameters()[i]->grad, other.parameters()[i]->grad) <= rounding<T>());
        }
        one(x);
        other(x);
    }
}
