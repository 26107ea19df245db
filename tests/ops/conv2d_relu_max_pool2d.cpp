// Convolution, ReLU and 2 x 2 pooling in one pass, against the three operations one after another.

#include "catch.hpp"
#include "handgrad/backends/cpu.hpp"
#include "handgrad/backends/reference.hpp"
#include "handgrad/nn/nn.hpp"
#include "support/gradients.hpp"
#include "support/threads.hpp"

using namespace handgrad;
using namespace support;

namespace {

/// What the fused operation gives, forward and backward.
template <class T> struct Results { Tensor<T> y, dx, dw, db; };

template <class B, class T> Results<T> fused(const Tensor<T>& x, const Tensor<T>& w, const Tensor<T>& b,
                                             const Tensor<T>& dy, const Conv2dOptions& options) {
    Results<T> result;
    Tensor<T> winners;
    B::conv2d_relu_max_pool2d_forward(x, w, b, options, result.y, winners);
    B::conv2d_relu_max_pool2d_backward_input(dy, winners, w, x.shape(), options, result.dx);
    B::conv2d_relu_max_pool2d_backward_parameters(x, dy, winners, w.shape(), options, result.dw, result.db);
    return result;
}

template <class B, class T> Results<T> one_after_another(const Tensor<T>& x, const Tensor<T>& w, const Tensor<T>& b,
                                                         const Tensor<T>& dy, const Conv2dOptions& options) {
    Results<T> result;
    const Tensor<T> z = B::conv2d_forward(x, w, b, options), h = B::relu_forward(z);
    Indices indices;
    B::max_pool2d_forward(h, MaxPool2dOptions(2), result.y, indices);
    const Tensor<T> dh = B::max_pool2d_backward(dy, indices, h.shape()), dz = B::relu_backward(z, dh);
    const Conv2dGradients<Tensor<T>> g = B::conv2d_backward(x, w, dz, options);
    result.dx = g.dx;
    result.dw = g.dw;
    result.db = g.db;
    return result;
}

Shape result_shape(const Shape& x, const Shape& w, const Conv2dOptions& options) {
    return check_conv2d_relu_max_pool2d_forward(x, w, {0}, options).y;
}

#ifdef HANDGRAD_SANITIZED
constexpr std::size_t grid_step = 7; // of no common factor with the sides of the grid: every pair of values occurs
#else
constexpr std::size_t grid_step = 1;
#endif

} // namespace

TEMPLATE_TEST_CASE("conv2d_relu_max_pool2d is exactly its three operations", "[ops][fused]", HANDGRAD_BACKENDS) {
    using B = TestType;
    using T = typename B::Scalar;
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
                                const auto x = whole_numbers<T>(shape_x, 1), w = whole_numbers<T>(shape_w, 2),
                                           b = whole_numbers<T>({k * groups}, 3),
                                           dy = whole_numbers<T>(result_shape(shape_x, shape_w, options), 4);
                                const auto got = fused<B>(x, w, b, dy, options),
                                           expected = one_after_another<Reference<T>>(x, w, b, dy, options);
                                const bool equal =
                                    equal_numbers(got.y, expected.y) && equal_numbers(got.dx, expected.dx) &&
                                    equal_numbers(got.dw, expected.dw) && equal_numbers(got.db, expected.db);
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

TEMPLATE_TEST_CASE("conv2d_relu_max_pool2d: no bias, added gradients, dirty buffers, NaN", "[ops][fused]",
                   HANDGRAD_BACKENDS) {
    using B = TestType;
    using T = typename B::Scalar;
    const Conv2dOptions options;
    const auto x = whole_numbers<T>({19, 2, 7, 6}, 1), w = whole_numbers<T>({3, 2, 2, 3}, 2),
               none = Tensor<T>(Shape{0});
    const auto b = zeros<T>({3}), dy = whole_numbers<T>({19, 3, 3, 2}, 3);
    const auto expected = one_after_another<Reference<T>>(x, w, b, dy, options);
    const auto got = fused<B>(x, w, none, dy, options);
    CHECK(equal_numbers(got.y, expected.y));
    Tensor<T> winners;
    CHECK(overwrites(got.y, [&](Tensor<T>& y) { B::conv2d_relu_max_pool2d_forward(x, w, none, options, y, winners); }));
    CHECK(overwrites(got.dx, [&](Tensor<T>& dx) {
        B::conv2d_relu_max_pool2d_backward_input(dy, winners, w, x.shape(), options, dx);
    }));
    Tensor<T> db;
    CHECK(overwrites(got.dw, [&](Tensor<T>& dw) {
        B::conv2d_relu_max_pool2d_backward_parameters(x, dy, winners, w.shape(), options, dw, db);
    }));
    Tensor<T> dw = full<T>(w.shape(), T(100));
    db = full<T>({3}, T(50));
    B::conv2d_relu_max_pool2d_backward_parameters(x, dy, winners, w.shape(), options, dw, db, Accumulate::yes);
    CHECK(equal_numbers(dw, Tensor<T>(expected.dw + T(100))));
    CHECK(equal_numbers(db, Tensor<T>(expected.db + T(50))));

    // A NaN in one image stays in that image, passes the ReLU, and wins its windows.
    Tensor<T> broken = x;
    broken(4, 0, 3, 3) = std::numeric_limits<T>::quiet_NaN();
    const auto after = one_after_another<Reference<T>>(broken, w, b, dy, options);
    Tensor<T> y;
    B::conv2d_relu_max_pool2d_forward(broken, w, none, options, y, winners);
    std::size_t nans = 0;
    for (std::size_t i = 0; i < y.size(); ++i) {
        const bool same =
            y.data()[i] == after.y.data()[i] || (std::isnan(y.data()[i]) && std::isnan(after.y.data()[i]));
        CHECK(same);
        nans += std::isnan(y.data()[i]);
    }
    CHECK(nans > 0);
}

TEMPLATE_TEST_CASE("conv2d_relu_max_pool2d: shapes that do not fit", "[ops][fused]", HANDGRAD_BACKENDS) {
    using B = TestType;
    using T = typename B::Scalar;
    const Conv2dOptions options;
    Tensor<T> y, winners;
    const auto forward = [&](const Shape& x, const Shape& w, const Shape& b) {
        return message_of(
            [&] { B::conv2d_relu_max_pool2d_forward(zeros<T>(x), zeros<T>(w), zeros<T>(b), options, y, winners); });
    };
    CHECK(forward({2, 1, 5, 5}, {3, 1, 5, 4}, {3}) == "conv2d_relu_max_pool2d_forward: the convolution's result has "
                                                      "shape (2, 3, 1, 2), expected at least 2 x 2 pixels");
    CHECK(forward({2, 1, 5, 5}, {3, 2, 2, 2}, {3}) ==
          "conv2d_relu_max_pool2d_forward: w has shape (3, 2, 2, 2), expected (3, 1, 2, 2)");
    CHECK(forward({2, 1, 5, 5}, {3, 1, 2, 2}, {2}) ==
          "conv2d_relu_max_pool2d_forward: b has shape (2,), expected (3,)");
    CHECK(forward({2, 1, 5, 5}, {3, 1, 2, 2}, {3}) == "no exception");
    Tensor<T> dx, dw, db;
    const auto dy = zeros<T>({2, 3, 2, 2}), w = zeros<T>({3, 1, 2, 2}), x = zeros<T>({2, 1, 5, 5});
    CHECK(message_of([&] {
              B::conv2d_relu_max_pool2d_backward_input(zeros<T>({2, 3, 2, 3}), winners, w, x.shape(), options, dx);
          }) == "conv2d_relu_max_pool2d_backward_input: dy has shape (2, 3, 2, 3), expected (2, 3, 2, 2)");
    const auto foreign = zeros<T>({1});
    CHECK_THROWS_AS(B::conv2d_relu_max_pool2d_backward_input(dy, foreign, w, x.shape(), options, dx), ShapeError);
    CHECK_THROWS_AS(B::conv2d_relu_max_pool2d_backward_parameters(x, dy, foreign, w.shape(), options, dw, db),
                    ShapeError);
    db = zeros<T>({2});
    dw = zeros<T>(w.shape());
    CHECK_THROWS_AS(
        B::conv2d_relu_max_pool2d_backward_parameters(x, dy, winners, w.shape(), options, dw, db, Accumulate::yes),
        ShapeError);
}

TEMPLATE_TEST_CASE("gradients of conv2d_relu_max_pool2d", "[gradients][fused]", HANDGRAD_BACKENDS) {
    using B = TestType;
    using T = typename B::Scalar;
    const Conv2dOptions options;
    for (const Shape& shape : {Shape{1, 1, 5, 6}, Shape{3, 2, 5, 4}, Shape{17, 1, 4, 5}}) {
        INFO(to_string(shape));
        const auto x = normal_numbers<double>(shape, 11), w = normal_numbers<double>({2, shape[1], 2, 3}, 12),
                   b = normal_numbers<double>({2}, 13);
        const auto dy = normal_numbers<double>(result_shape(shape, w.shape(), options), 14);
        const auto loss = [&](const auto& x_, const auto& w_, const auto& b_) {
            using S = typename std::decay_t<decltype(x_)>::value_type;
            Tensor<S> y, winners;
            reference::conv2d_relu_max_pool2d_forward(x_, w_, b_, options, y, winners);
            return check::weighted_sum(y, dy);
        };
        const auto got = fused<B>(to<T>(x), to<T>(w), to<T>(b), to<T>(dy), options);
        Numeric(
            "dx", [&](const auto& v) { return loss(v, check::cast_like(v, w), check::cast_like(v, b)); }, x)
            .prove(got.dx);
        Numeric(
            "dw", [&](const auto& v) { return loss(check::cast_like(v, x), v, check::cast_like(v, b)); }, w)
            .prove(got.dw);
        Numeric(
            "db", [&](const auto& v) { return loss(check::cast_like(v, x), check::cast_like(v, w), v); }, b)
            .prove(got.db);
    }
}

TEMPLATE_TEST_CASE("conv2d_relu_max_pool2d: the number of threads does not change a bit", "[ops][threads][fused]",
                   Cpu<float>, Cpu<double>) {
    using B = TestType;
    using T = typename B::Scalar;
    for (const auto& [shape_x, shape_w] :
         {std::pair<Shape, Shape>{{64, 1, 28, 28}, {10, 1, 5, 5}}, {{301, 10, 12, 12}, {20, 10, 5, 5}}}) {
        const auto x = normal_numbers<T>(shape_x, 1), w = normal_numbers<T>(shape_w, 2),
                   b = normal_numbers<T>({shape_w[0]}, 3),
                   dy = normal_numbers<T>(result_shape(shape_x, shape_w, {}), 4);
        CHECK(same_on_any_number_of_threads([&, &x_ = x, &w_ = w] {
            const auto result = fused<B>(x_, w_, b, dy, Conv2dOptions());
            return std::vector<Tensor<T>>{result.y, result.dx, result.dw, result.db};
        }));
    }
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
