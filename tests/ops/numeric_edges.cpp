// What the operations do at the edges of the numbers and of the shapes, as docs/edges.md tells it.

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "catch.hpp"
#include "handgrad/backends/cpu.hpp"
#include "handgrad/backends/reference.hpp"
#include "handgrad/nn/nn.hpp"
#include "support/tensors.hpp"

using namespace handgrad;
using namespace support;

TEMPLATE_TEST_CASE("edges: a batch of nothing", "[edges]", HANDGRAD_BACKENDS) {
    using B = TestType;
    using T = typename B::Scalar;
    const auto none = zeros<T>({0, 3});
    CHECK(B::relu_forward(none).shape() == Shape{0, 3});
    CHECK(B::relu_backward(none, none).shape() == Shape{0, 3});
    CHECK(B::sigmoid_forward(none).shape() == Shape{0, 3});
    CHECK(B::sigmoid_backward(none, none).shape() == Shape{0, 3});
    CHECK(B::tanh_forward(none).shape() == Shape{0, 3});
    CHECK(B::tanh_backward(none, none).shape() == Shape{0, 3});
    CHECK(B::softmax_forward(none).shape() == Shape{0, 3});
    CHECK(B::softmax_backward(none, none).shape() == Shape{0, 3});
    CHECK(B::linear_forward(none, zeros<T>({3, 2}), zeros<T>({2})).shape() == Shape{0, 2});
    const LinearGradients<Tensor<T>> g = B::linear_backward(none, full<T>({3, 2}, 1), zeros<T>({0, 2}));
    CHECK(equal_numbers(g.dw, zeros<T>({3, 2})));
    CHECK(equal_numbers(g.db, zeros<T>({2})));
    const auto images = zeros<T>({0, 2, 4, 4});
    const auto pooled = B::max_pool2d_forward(images, MaxPool2dOptions(2));
    CHECK(pooled.y.shape() == Shape{0, 2, 2, 2});
    CHECK(B::max_pool2d_backward(pooled.y, pooled.indices, images.shape()).shape() == images.shape());
    CHECK(B::avg_pool2d_forward(images, AvgPool2dOptions(2)).shape() == Shape{0, 2, 2, 2});
    CHECK(B::avg_pool2d_backward(pooled.y, images.shape(), AvgPool2dOptions(2)).shape() == images.shape());
    Tensor<T> y, winners, dw, db;
    B::conv2d_relu_max_pool2d_forward(images, zeros<T>({3, 2, 3, 3}), zeros<T>({3}), Conv2dOptions{}, y, winners);
    CHECK(y.shape() == Shape{0, 3, 1, 1});
    B::conv2d_relu_max_pool2d_backward_parameters(images, y, winners, Shape{3, 2, 3, 3}, Conv2dOptions{}, dw, db);
    CHECK(equal_numbers(dw, zeros<T>({3, 2, 3, 3})));
    CHECK(equal_numbers(db, zeros<T>({3})));
    CHECK(B::l2_penalty_forward(none, 0.5) == 0);
    // The mean of no losses is no number; PyTorch returns NaN, which shows up an epoch later.
    const Labels nobody(Shape{0});
    CHECK(message_of([&] { B::cross_entropy_forward(none, nobody); }).find("cross_entropy_forward: ") == 0);
}

TEMPLATE_TEST_CASE("edges: a batch of one is one row of a larger batch", "[edges]", HANDGRAD_BACKENDS) {
    using B = TestType;
    using T = typename B::Scalar;
    const auto x = normal_numbers<T>({1, 5}, 1), w = normal_numbers<T>({5, 4}, 2), b = normal_numbers<T>({4}, 3);
    const Tensor<T> z = B::linear_forward(x, w, b);
    Tensor<T> p;
    const double loss = static_cast<double>(B::cross_entropy_forward(z, labels({2}), p));
    CHECK(std::abs(loss + std::log(static_cast<double>(p(0, 2)))) <= 10 * rounding<T>());
    const Tensor<T> dz = B::cross_entropy_backward(p, labels({2}));
    CHECK(dz(0, 2) == p(0, 2) - 1); // divided by N = 1
    CHECK(equal_numbers(B::linear_backward(x, w, dz).db, tensor<T>({4}, {p(0, 0), p(0, 1), p(0, 2) - 1, p(0, 3)})));
}

TEMPLATE_TEST_CASE("edges: with one class there is nothing to learn", "[edges]", HANDGRAD_BACKENDS) {
    using B = TestType;
    using T = typename B::Scalar;
    for (const double score : {0.0, 3.0, -1e4, 1e38, -1e38}) {
        const auto z = full<T>({4, 1}, static_cast<T>(score));
        Tensor<T> p;
        CHECK(B::cross_entropy_forward(z, labels({0, 0, 0, 0}), p) == 0);
        CHECK(equal_numbers(p, full<T>({4, 1}, 1)));
        CHECK(equal_numbers(B::cross_entropy_backward(p, labels({0, 0, 0, 0})), zeros<T>({4, 1})));
    }
    CHECK(message_of([] { B::softmax_forward(zeros<T>({4, 0})); }).find("softmax_forward: ") == 0);
}

TEMPLATE_TEST_CASE("edges: a score of minus infinity is a class ruled out", "[edges]", HANDGRAD_BACKENDS) {
    using B = TestType;
    using T = typename B::Scalar;
    const double inf = std::numeric_limits<double>::infinity();
    const auto z = tensor<T>({2, 3}, {0, 0, -inf, -inf, 5, -inf});
    Tensor<T> p;
    const double loss = static_cast<double>(B::cross_entropy_forward(z, labels({0, 1}), p));
    CHECK(std::abs(loss - std::log(2.0) / 2) <= rounding<T>());
    CHECK(equal_numbers(p, tensor<T>({2, 3}, {0.5, 0.5, 0, 0, 1, 0})));
    CHECK(equal_numbers(B::cross_entropy_backward(p, labels({0, 1})), tensor<T>({2, 3}, {-0.25, 0.25, 0, 0, 0, 0})));
    // The true class ruled out: the loss is infinite, the gradient is not.
    CHECK(static_cast<double>(B::cross_entropy_forward(z, labels({2, 1}), p)) == inf);
    CHECK(equal_numbers(B::cross_entropy_backward(p, labels({2, 1})), tensor<T>({2, 3}, {0.25, 0.25, -0.5, 0, 0, 0})));
    // All ruled out: NaN, as 0/0 is.
    const auto nothing = full<T>({1, 3}, static_cast<T>(-inf));
    CHECK(std::isnan(B::cross_entropy_forward(nothing, labels({0}))));
}

TEMPLATE_TEST_CASE("edges: denormal numbers are not rounded to zero", "[edges]", HANDGRAD_BACKENDS) {
    using B = TestType;
    using T = typename B::Scalar;
    const T tiny = std::numeric_limits<T>::denorm_min();
    for (const std::size_t n : {1, 3, 64}) { // with and without SIMD
        const auto x = full<T>({n}, tiny), two = full<T>({n}, 2);
        CHECK(equal_numbers(B::relu_forward(x), x));
        CHECK(equal_numbers(B::relu_backward(x, two), two)); // x > 0, however little
        CHECK(equal_numbers(B::tanh_forward(x), x));
        CHECK(equal_numbers(B::sigmoid_forward(x), full<T>({n}, T(0.5))));
        CHECK(equal_numbers(B::l2_penalty_backward(x, 2.0), full<T>({n}, 2 * tiny)));
        CHECK(B::l2_penalty_forward(x, 1.0) == 0); // the square is below the smallest number
        const auto rows = full<T>({2, n}, tiny), ones = full<T>({n, 3}, 1);
        CHECK(equal_numbers(B::linear_forward(rows, ones, zeros<T>({3})), full<T>({2, 3}, static_cast<T>(n) * tiny)));
        const auto image = full<T>({n, 1, 2, 2}, tiny), kernel = full<T>({1, 1, 2, 2}, 1), none = zeros<T>({0});
        CHECK(equal_numbers(B::conv2d_forward(image, kernel, none), full<T>({n, 1, 1, 1}, 4 * tiny)));
        CHECK(equal_numbers(B::max_pool2d_forward(image, MaxPool2dOptions(2)).y, full<T>({n, 1, 1, 1}, tiny)));
        Tensor<T> p = full<T>({n}, 0), v;
        SgdOptions options;
        options.lr = 1;
        B::sgd_step(p, x, v, options);
        CHECK(equal_numbers(p, full<T>({n}, -tiny)));
    }
    const auto z = tensor<T>({1, 2}, {static_cast<double>(tiny), 0});
    CHECK(equal_numbers(B::softmax_forward(z), full<T>({1, 2}, T(0.5))));
}

TEMPLATE_TEST_CASE("edges: exponentials that are denormal numbers are not rounded to zero", "[edges]",
                   HANDGRAD_BACKENDS) {
    using B = TestType;
    using T = typename B::Scalar;
    // The logarithms of the smallest normal number and of half the smallest denormal one, below which e^x rounds to 0.
    const double normal = std::log(static_cast<double>(std::numeric_limits<T>::min()));
    const double zero = normal - (std::numeric_limits<T>::digits - 0.9) * std::log(2.0);
    std::vector<double> exponents = {normal + 1, normal + 0.01, normal, normal - 0.01, zero, zero - 1, -1e4};
    for (double x = normal - 0.5; x > zero; x -= 0.5) { exponents.push_back(x); }
    for (const std::size_t n : {1, 3, 64}) { // with and without SIMD
        INFO("n = " << n);
        std::size_t sigmoid = 0, softmax = 0, loss = 0; // how many are right
        for (const double exponent : exponents) {
            const T x = static_cast<T>(exponent), power = std::exp(x); // too little for 1 + power to differ from 1
            const auto near = [&](T y) { // to rounding; of a denormal number the last place is the smallest number
                return std::abs(y - power) <=
                       2 * std::numeric_limits<T>::epsilon() * power + std::numeric_limits<T>::denorm_min();
            };
            const auto all_near = [&](const Tensor<T>& t) { return std::all_of(t.data(), t.data() + t.size(), near); };
            sigmoid += all_near(B::sigmoid_forward(full<T>({n}, x)));
            // Scores 0 and x, in n rows: probabilities 1 and e^x, a loss of -x.
            Tensor<T> z(Shape{n, 2});
            for (std::size_t i = 0; i < n; ++i) {
                z(i, 0) = T(0);
                z(i, 1) = x;
            }
            const Tensor<T> p = B::softmax_forward(z);
            Tensor<T> kept, second(Shape{n});
            const Labels ones(Shape{n}, 1);
            const T mean = B::cross_entropy_forward(z, ones, kept);
            for (std::size_t i = 0; i < n; ++i) { second.data()[i] = p(i, 1); }
            softmax += all_near(second) && equal_numbers(kept, p);
            const Tensor<T> dz = B::cross_entropy_backward(kept, Labels(Shape{n}, 0));
            loss += std::abs(mean + x) <= rounding<T>() * -x && dz(0, 1) == p(0, 1) / T(n);
        }
        CHECK(sigmoid == exponents.size());
        CHECK(softmax == exponents.size());
        CHECK(loss == exponents.size());
    }
}

TEMPLATE_TEST_CASE("edges: relu leaves -0 as it is, with a gradient of 0", "[edges]", HANDGRAD_BACKENDS) {
    using B = TestType;
    using T = typename B::Scalar;
    for (const std::size_t n : {1, 3, 8, 64}) { // with and without SIMD
        const auto minus = full<T>({n}, T(-0.0)), plus = full<T>({n}, T(0));
        CHECK(same_bits(B::relu_forward(minus), minus));
        CHECK(same_bits(B::relu_forward(plus), plus));
        CHECK(same_bits(B::relu_forward(full<T>({n}, T(-1))), plus));
        CHECK(equal_numbers(B::relu_backward(minus, full<T>({n}, 5)), plus));
    }
    // Equal zeros in a window: the first one wins, whatever its sign.
    for (const double first : {0.0, -0.0}) {
        for (const std::size_t n : {1, 64}) {
            auto x = full<T>({n, 1, 2, 2}, static_cast<T>(-first));
            for (std::size_t i = 0; i < n; ++i) { x(i, 0, 0, 0) = static_cast<T>(first); }
            const auto pooled = B::max_pool2d_forward(x, MaxPool2dOptions(2));
            CHECK(same_bits(pooled.y, full<T>({n, 1, 1, 1}, static_cast<T>(first))));
            CHECK(pooled.indices(n - 1, 0, 0, 0) == 0);
        }
    }
}

TEMPLATE_TEST_CASE("edges: conv2d_relu_max_pool2d has the zeros of its three operations", "[edges][fused]",
                   HANDGRAD_BACKENDS) {
    using B = TestType;
    using T = typename B::Scalar;
    Random random(7, 1);
    const auto zeros_and_ones = [&](const Shape& shape) { // of both signs
        const double values[] = {-0.0, 0.0, -0.0, 0.0, 1, -1};
        Tensor<T> t(shape);
        for (T& v : t.storage()) { v = static_cast<T>(values[random.below(6)]); }
        return t;
    };
    std::size_t minus = 0;
    for (const std::size_t n : {1, 64}) { // with few images the kernel is another one
        for (int i = 0; i < 20; ++i) {
            const auto x = zeros_and_ones({n, 1, 4, 4}), w = zeros_and_ones({3, 1, 1, 1}), b = full<T>({3}, T(-0.0));
            Conv2dOptions options;
            options.algorithm = n == 1 ? ConvAlgorithm::automatic : ConvAlgorithm::direct;
            Tensor<T> y, winners;
            B::conv2d_relu_max_pool2d_forward(x, w, b, options, y, winners);
            const Tensor<T> h = B::relu_forward(B::conv2d_forward(x, w, b, options));
            const Tensor<T> pooled = B::max_pool2d_forward(h, MaxPool2dOptions(2)).y;
            // A GPU's fast convolution adds the bias last, so its zeros may have another sign (docs/edges.md).
            const bool has_other_signs = device::is_gpu() && !device::is_plain();
            CHECK((has_other_signs ? equal_numbers(y, pooled) : same_bits(y, pooled)));
            for (std::size_t j = 0; j < y.size(); ++j) { minus += y.data()[j] == 0 && std::signbit(y.data()[j]); }
        }
    }
    CHECK(minus > 0);
}

TEMPLATE_TEST_CASE("edges: what overflows becomes infinite, and says so", "[edges]", HANDGRAD_BACKENDS) {
    using B = TestType;
    using T = typename B::Scalar;
    const T huge = std::numeric_limits<T>::max(), inf = std::numeric_limits<T>::infinity();
    const auto x = full<T>({1, 2}, huge);
    CHECK(B::linear_forward(x, full<T>({2, 1}, 1), zeros<T>({1}))(0, 0) == inf);
    CHECK(B::l2_penalty_forward(x, 1.0) == inf);
    CHECK(equal_numbers(B::tanh_forward(x), full<T>({1, 2}, 1)));
    CHECK(equal_numbers(B::sigmoid_forward(x), full<T>({1, 2}, 1)));
    CHECK(equal_numbers(B::sigmoid_forward(Tensor<T>(-x)), zeros<T>({1, 2})));
    CHECK(equal_numbers(B::softmax_forward(x), full<T>({1, 2}, T(0.5))));
}
