// Convolutions beside the usual ones: strides that differ, batches of no images, channels that groups do not divide.

#include "catch.hpp"
#include "handgrad/backends/cpu.hpp"
#include "handgrad/backends/reference.hpp"
#include "support/tensors.hpp"

using namespace handgrad;
using namespace support;

TEMPLATE_TEST_CASE("conv2d with a kernel of one or two pixels: stride and padding along H and W alone", "[ops][conv2d]",
                   HANDGRAD_BACKENDS) {
    using B = TestType;
    using T = typename B::Scalar;
    const auto [kernel_h, kernel_w] = GENERATE(table<std::size_t, std::size_t>({{1, 1}, {2, 1}, {1, 2}}));
    for (const Size2d stride : {Size2d(1), Size2d(2), Size2d(2, 1), Size2d(1, 2), Size2d(3, 2)}) {
        for (const Size2d padding : {Size2d(0), Size2d(1, 0), Size2d(0, 1)}) {
            for (const ConvAlgorithm algorithm :
                 {ConvAlgorithm::im2col, ConvAlgorithm::direct, ConvAlgorithm::channels_last}) {
                Conv2dOptions options;
                options.stride = stride;
                options.padding = padding;
                options.algorithm = algorithm;
                INFO("kernel " << kernel_h << " x " << kernel_w << ", stride " << to_string(stride) << ", padding "
                               << to_string(padding));
                const auto x = whole_numbers<T>({2, 3, 5, 4}, 1), w = whole_numbers<T>({2, 3, kernel_h, kernel_w}, 2),
                           b = whole_numbers<T>({2}, 3);
                const Tensor<T> y = Reference<T>::conv2d_forward(x, w, b, options);
                const auto dy = whole_numbers<T>(y.shape(), 4);
                const auto expected = Reference<T>::conv2d_backward(x, w, dy, options);
                const auto got = B::conv2d_backward(x, w, dy, options);
                CHECK(equal_numbers(B::conv2d_forward(x, w, b, options), y));
                CHECK(equal_numbers(got.dx, expected.dx));
                CHECK(equal_numbers(got.dw, expected.dw));
                CHECK(equal_numbers(got.db, expected.db));
            }
        }
    }
}

TEMPLATE_TEST_CASE("conv2d without images: the gradients of the parameters are 0, or what they were", "[ops][conv2d]",
                   HANDGRAD_BACKENDS) {
    using B = TestType;
    using T = typename B::Scalar;
    const Shape shape_of_w{3, 2, 2, 2};
    const Tensor<T> x(Shape{0, 2, 4, 4}), dy(Shape{0, 3, 3, 3});
    for (const ConvAlgorithm algorithm :
         {ConvAlgorithm::automatic, ConvAlgorithm::im2col, ConvAlgorithm::direct, ConvAlgorithm::channels_last}) {
        Conv2dOptions options;
        options.algorithm = algorithm;
        Tensor<T> dw = full<T>(shape_of_w, T(7)), db = full<T>({3}, T(7));
        B::conv2d_backward_weight(x, dy, shape_of_w, options, dw, Accumulate::yes);
        B::conv2d_backward_bias(dy, db, Accumulate::yes);
        CHECK(equal_numbers(dw, full<T>(shape_of_w, T(7))));
        CHECK(equal_numbers(db, full<T>({3}, T(7))));
        B::conv2d_backward_weight(x, dy, shape_of_w, options, dw);
        B::conv2d_backward_bias(dy, db);
        CHECK(equal_numbers(dw, zeros<T>(shape_of_w)));
        CHECK(equal_numbers(db, zeros<T>({3})));
    }
}

TEMPLATE_TEST_CASE("conv2d: groups must divide the channels of x and of y", "[ops][conv2d]", HANDGRAD_BACKENDS) {
    using B = TestType;
    using T = typename B::Scalar;
    Conv2dOptions options;
    options.groups = 2;
    const auto forward = [&](std::size_t in, std::size_t out) {
        // As many channels of w as x's divided by 2, rounded down: the shapes fit but for the remainder.
        const Tensor<T> x = zeros<T>({1, in, 3, 3}), w = zeros<T>({out, in / 2, 1, 1}), no_bias(Shape{0});
        return message_of([&] { B::conv2d_forward(x, w, no_bias, options); });
    };
    CHECK(forward(4, 6) == "no exception");
    CHECK(forward(3, 4) == "conv2d_forward: groups is 2, expected a divisor of x's 3 channels and w's 4");
    CHECK(forward(5, 4) == "conv2d_forward: groups is 2, expected a divisor of x's 5 channels and w's 4");
    CHECK(forward(4, 3) == "conv2d_forward: groups is 2, expected a divisor of x's 4 channels and w's 3");
}

TEMPLATE_TEST_CASE("conv2d without output channels: dx is 0", "[ops][conv2d]", HANDGRAD_BACKENDS) {
    using B = TestType;
    using T = typename B::Scalar;
    const Shape shape_of_x{2, 3, 4, 4};
    const Tensor<T> w(Shape{0, 3, 2, 2}), dy(Shape{2, 0, 3, 3});
    Tensor<T> dx = full<T>(shape_of_x, T(7));
    B::conv2d_backward_input(dy, w, shape_of_x, Conv2dOptions(), dx);
    CHECK(equal_numbers(dx, zeros<T>(shape_of_x)));
}

TEMPLATE_TEST_CASE("conv2d with a single result: all gradients", "[ops][conv2d]", HANDGRAD_BACKENDS) {
    using B = TestType;
    using T = typename B::Scalar;
    const auto x = whole_numbers<T>({1, 2, 3, 3}, 1), w = whole_numbers<T>({1, 2, 3, 3}, 2);
    const Tensor<T> dy = full<T>({1, 1, 1, 1}, T(3));
    const auto expected = Reference<T>::conv2d_backward(x, w, dy), got = B::conv2d_backward(x, w, dy);
    CHECK(equal_numbers(got.dx, expected.dx));
    CHECK(equal_numbers(got.dw, expected.dw));
    CHECK(equal_numbers(got.db, expected.db));
}
