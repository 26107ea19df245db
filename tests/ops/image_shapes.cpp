// What the operations on images say of arguments that do not fit: one line, the same on all backends.

#include "catch.hpp"
#include "handgrad/backends/cpu.hpp"
#include "handgrad/backends/reference.hpp"
#include "support/options.hpp"
#include "support/tensors.hpp"

using namespace handgrad;
using namespace support;

TEMPLATE_TEST_CASE("conv2d refuses shapes and options that do not fit", "[ops][conv2d][shapes]", HANDGRAD_BACKENDS) {
    using B = TestType;
    using T = typename B::Scalar;
    const auto t = [](const Shape& shape) { return zeros<T>(shape); };
    const auto forward = [&](const Shape& x, const Shape& w, const Shape& b, const Conv2dOptions& options = {}) {
        return message_of([&] { B::conv2d_forward(t(x), t(w), t(b), options); });
    };
    const std::string f = "conv2d_forward: ";
    CHECK(forward({3, 6, 6}, {4, 3, 3, 3}, {4}) == f + "x has shape (3, 6, 6), expected 4 dimensions (N, C, H, W)");
    CHECK(forward({1, 3, 6, 6}, {4, 3, 3}, {4}) == f + "w has shape (4, 3, 3), expected 4 dimensions (K, C, R, S)");
    CHECK(forward({1, 3, 6, 6}, {4, 2, 3, 3}, {4}) == f + "w has shape (4, 2, 3, 3), expected (4, 3, 3, 3)");
    CHECK(forward({1, 3, 6, 6}, {4, 3, 3, 3}, {3}) == f + "b has shape (3,), expected (4,)");
    CHECK(forward({1, 3, 6, 6}, {4, 3, 3, 3}, {4, 1}) == f + "b has shape (4, 1), expected (4,)");
    CHECK(forward({1, 3, 6, 6}, {4, 3, 3, 3}, {}) == f + "b has shape (), expected (4,)");
    CHECK(forward({1, 3, 6, 5}, {4, 3, 3, 6}, {4}) ==
          f + "the kernel covers (3, 6) pixels, expected at most (6, 5), the image with its padding");
    CHECK(forward({1, 3, 6, 5}, {4, 3, 7, 3}, {4}, conv(1, {0, 3})) ==
          f + "the kernel covers (7, 3) pixels, expected at most (6, 11), the image with its padding");
    CHECK(forward({1, 3, 6, 6}, {4, 3, 3, 3}, {4}, conv(1, 0, {3, 1})) ==
          f + "the kernel covers (7, 3) pixels, expected at most (6, 6), the image with its padding");
    CHECK(forward({1, 3, 6, 6}, {4, 3, 0, 3}, {4}) == f + "kernel_size is (0, 3), expected at least 1");
    CHECK(forward({1, 3, 6, 6}, {4, 3, 3, 3}, {4}, conv({1, 0})) == f + "stride is (1, 0), expected at least 1");
    CHECK(forward({1, 3, 6, 6}, {4, 3, 3, 3}, {4}, conv(std::numeric_limits<std::size_t>::max())) ==
          f + "stride is -1, expected at least 1");
    CHECK(forward({1, 3, 6, 6}, {4, 3, 3, 3}, {4}, conv(1, static_cast<std::size_t>(-1))) ==
          f + "padding is -1, expected at least 0");
    CHECK(forward({1, 3, 6, 6}, {4, 3, 3, 3}, {4}, conv(1, 0, {0, 1})) ==
          f + "dilation is (0, 1), expected at least 1");
    CHECK(forward({1, 3, 6, 6}, {4, 3, 3, 3}, {4}, conv(1, 0, 1, 0)) ==
          f + "groups is 0, expected a divisor of x's 3 channels and w's 4");
    CHECK(forward({1, 4, 6, 6}, {4, 2, 3, 3}, {4}, conv(1, 0, 1, 3)) ==
          f + "groups is 3, expected a divisor of x's 4 channels and w's 4");
    CHECK(forward({1, 4, 6, 6}, {6, 1, 3, 3}, {6}, conv(1, 0, 1, 4)) ==
          f + "groups is 4, expected a divisor of x's 4 channels and w's 6");
    CHECK(forward({1, 4, 6, 6}, {6, 4, 3, 3}, {6}, conv(1, 0, 1, 2)) ==
          f + "w has shape (6, 4, 3, 3), expected (6, 2, 3, 3)");

    Tensor<T> dx, dw, db;
    CHECK(message_of([&] {
              B::conv2d_backward_input(t({1, 4, 4, 4}), t({4, 3, 3, 3}), Shape{1, 3, 6, 7}, Conv2dOptions(), dx);
          }) == "conv2d_backward_input: dy has shape (1, 4, 4, 4), expected (1, 4, 4, 5)");
    CHECK(message_of([&] {
              B::conv2d_backward_input(t({1, 4, 4, 4}), t({4, 3, 3, 3}), Shape{3, 6, 7}, Conv2dOptions(), dx);
          }) == "conv2d_backward_input: x has shape (3, 6, 7), expected 4 dimensions (N, C, H, W)");
    CHECK(message_of([&] {
              B::conv2d_backward_weight(t({1, 3, 6, 6}), t({2, 4, 4, 4}), Shape{4, 3, 3, 3}, Conv2dOptions(), dw);
          }) == "conv2d_backward_weight: dy has shape (2, 4, 4, 4), expected (1, 4, 4, 4)");
    CHECK(message_of([&] {
              B::conv2d_backward_weight(t({1, 3, 6, 6}), t({1, 4, 4, 4}), Shape{4, 1, 3, 3}, Conv2dOptions(), dw);
          }) == "conv2d_backward_weight: w has shape (4, 1, 3, 3), expected (4, 3, 3, 3)");
    CHECK(message_of([&] {
              B::conv2d_backward_bias(t({4, 3}), db);
          }) == "conv2d_backward_bias: dy has shape (4, 3), expected 4 dimensions (N, K, P, Q)");
    dw = t({4, 3, 3, 2});
    db = t({3});
    CHECK(message_of([&] {
              B::conv2d_backward_weight(t({1, 3, 6, 6}), t({1, 4, 4, 4}), Shape{4, 3, 3, 3}, Conv2dOptions(), dw,
                                        Accumulate::yes);
          }) == "conv2d_backward_weight: dw has shape (4, 3, 3, 2), expected (4, 3, 3, 3)");
    CHECK(message_of([&] {
              B::conv2d_backward_bias(t({1, 4, 4, 4}), db, Accumulate::yes);
          }) == "conv2d_backward_bias: db has shape (3,), expected (4,)");
}

TEMPLATE_TEST_CASE("max_pool2d refuses shapes, options and indices that do not fit", "[ops][max_pool2d][shapes]",
                   HANDGRAD_BACKENDS) {
    using B = TestType;
    using T = typename B::Scalar;
    using Options = MaxPool2dOptions;
    const auto forward = [&](const Shape& x, const Options& options) {
        return message_of([&] { B::max_pool2d_forward(zeros<T>(x), options); });
    };
    const std::string f = "max_pool2d_forward: ";
    CHECK(forward({3, 6, 6}, Size2d(2)) == f + "x has shape (3, 6, 6), expected 4 dimensions (N, C, H, W)");
    CHECK(forward({1, 3, 6, 6}, Size2d(2, 0)) == f + "kernel_size is (2, 0), expected at least 1");
    CHECK(forward({1, 3, 6, 6}, Options(2, {0, 1})) == f + "stride is (0, 1), expected at least 1");
    CHECK(forward({1, 3, 6, 6}, Options(2, 1, 0, 0)) == f + "dilation is 0, expected at least 1");
    CHECK(forward({1, 3, 6, 6}, Options(2, 1, {1, 2})) ==
          f + "padding is (1, 2), expected at most half of the kernel's size (2, 2)");
    CHECK(forward({1, 3, 6, 6}, Options({3, 4}, 1, 2)) ==
          f + "padding is (2, 2), expected at most half of the kernel's size (3, 4)");
    CHECK(forward({1, 3, 6, 6}, Size2d(7, 2)) ==
          f + "the kernel covers (7, 2) pixels, expected at most (6, 6), the image with its padding");
    CHECK(forward({1, 3, 4, 4}, Options(3, 1, 0, {1, 2})) ==
          f + "the kernel covers (3, 5) pixels, expected at most (4, 4), the image with its padding");
    CHECK(forward({1, 1, 2, 2}, Options(4, {3, 2}, 0, 1, true)) ==
          f + "the kernel covers (4, 4) pixels, expected at most (4, 3), the image with its padding and, for "
              "ceil_mode, a "
              "stride less 1");
    // Here PyTorch's maximum is minus infinity, at a place outside the image.
    CHECK(forward({1, 1, 1, 5}, Options(2, 2, 1, 2)) ==
          f + "window 0 holds no pixel: stride 2, padding 1, dilation 2, image 1");
    CHECK(forward({1, 1, 5, 2}, Options(2, 1, 1, {1, 3})) ==
          f + "window 0 holds no pixel: stride 1, padding 1, dilation 3, image 2");
    CHECK(forward({1, 1, 0, 5}, Options(2, 1, 1)) ==
          f + "window 0 holds no pixel: stride 1, padding 1, dilation 1, image 0");
    CHECK(forward({1, 1, 2, 2}, Options(2, 1, 1, 2)) == "no exception");

    const auto backward = [&](const Shape& dy, std::initializer_list<std::int32_t> winners, const Shape& x) {
        Indices indices(Shape{1, 1, 1, winners.size()});
        std::copy(winners.begin(), winners.end(), indices.data());
        return message_of([&] { B::max_pool2d_backward(zeros<T>(dy), indices, x); });
    };
    const std::string b = "max_pool2d_backward: ";
    CHECK(backward({1, 1, 2}, {0, 1}, {1, 1, 2, 4}) ==
          b + "dy has shape (1, 1, 2), expected 4 dimensions (N, C, P, Q)");
    CHECK(backward({1, 1, 1, 2}, {0, 1}, {1, 2, 4}) == b + "x has shape (1, 2, 4), expected 4 dimensions (N, C, H, W)");
    CHECK(backward({2, 1, 1, 1}, {0, 1}, {1, 1, 2, 4}) == b + "dy has shape (2, 1, 1, 1), expected (1, 1, 1, 1)");
    CHECK(backward({1, 1, 1, 2}, {0, 1, 2}, {1, 1, 2, 4}) ==
          b + "indices has shape (1, 1, 1, 3), expected (1, 1, 1, 2)");
    CHECK(backward({1, 1, 1, 2}, {0, 7}, {1, 1, 2, 4}) == "no exception");
    CHECK(backward({1, 1, 1, 2}, {0, 8}, {1, 1, 2, 4}) == b + "an index is 8, expected a pixel's number, less than 8");
    CHECK(backward({1, 1, 1, 2}, {-1, 0}, {1, 1, 2, 4}) ==
          b + "an index is -1, expected a pixel's number, less than 8");
}

TEMPLATE_TEST_CASE("avg_pool2d refuses shapes and options that do not fit", "[ops][avg_pool2d][shapes]",
                   HANDGRAD_BACKENDS) {
    using B = TestType;
    using T = typename B::Scalar;
    using Options = AvgPool2dOptions;
    const auto forward = [&](const Shape& x, const Options& options) {
        return message_of([&] { B::avg_pool2d_forward(zeros<T>(x), options); });
    };
    const std::string f = "avg_pool2d_forward: ";
    CHECK(forward({3, 6, 6}, Size2d(2)) == f + "x has shape (3, 6, 6), expected 4 dimensions (N, C, H, W)");
    CHECK(forward({1, 3, 6, 6}, Options(2, 0)) == f + "stride is 0, expected at least 1");
    CHECK(forward({1, 3, 6, 6}, Options(3, 1, 2)) ==
          f + "padding is (2, 2), expected at most half of the kernel's size (3, 3)");
    CHECK(forward({1, 3, 6, 6}, Size2d(6, 7)) ==
          f + "the kernel covers (6, 7) pixels, expected at most (6, 6), the image with its padding");
    CHECK(forward({1, 1, 3, 0}, Options(2, 1, 1, false, false)) ==
          f + "window 0 holds no pixel: stride 1, padding 1, dilation 1, image 0");
    CHECK(message_of([&] {
              B::avg_pool2d_backward(zeros<T>({1, 3, 2, 3}), Shape{1, 3, 6, 7}, Size2d(3));
          }) == "avg_pool2d_backward: dy has shape (1, 3, 2, 3), expected (1, 3, 2, 2)");
    CHECK(message_of([&] {
              B::avg_pool2d_backward(zeros<T>({1, 3, 2, 3}), Shape{1, 3, 6}, Size2d(3));
          }) == "avg_pool2d_backward: x has shape (1, 3, 6), expected 4 dimensions (N, C, H, W)");
}
