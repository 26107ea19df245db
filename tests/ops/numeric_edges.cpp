// What the operations do at the edges of the numbers and of the shapes, as docs/edges.md tells it.

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "catch.hpp"
#include "handgrad/tensor/random.hpp"
#include "ops/chains.hpp"
#include "support/tensors.hpp"

using namespace handgrad;
using namespace support;

namespace {

/// The cross-entropy of scores z for these classes.
Values cross_entropy_of(const Backend& on, const Tensor<double>& z, std::initializer_list<std::int64_t> classes) {
    return chain_of("cross_entropy")(on, {{"z", z}, {"y", to<double>(labels(classes))}});
}

} // namespace

HANDGRAD_TEST_ON_BACKENDS("edges: a batch of one is one row of a larger batch", "[edges]") {
    const auto x = normal_numbers<double>({1, 5}, 1), w = normal_numbers<double>({5, 4}, 2),
               b = normal_numbers<double>({4}, 3);
    const Chain linear = chain_of("linear");
    const auto z = linear(on, {{"x", x}, {"w", w}, {"b", b}}).at("y");
    const Values r = cross_entropy_of(on, z, {2});
    const auto &p = r.at("p"), &dz = r.at("dz");
    CHECK(std::abs(r.at("loss")() + std::log(p(0, 2))) <= 10 * on.rounding());
    CHECK(dz(0, 2) == on.stored(p(0, 2) - 1)); // divided by N = 1
    const auto db = linear(on, {{"x", x}, {"w", w}, {"b", b}, {"dy", dz}}).at("db");
    CHECK(equal_numbers(db, to_stored(on, tensor<double>({4}, {p(0, 0), p(0, 1), p(0, 2) - 1, p(0, 3)}))));
}

HANDGRAD_TEST_ON_BACKENDS("edges: with one class there is nothing to learn", "[edges]") {
    for (const double score : {0.0, 3.0, -1e4, 1e38, -1e38}) {
        const Values r = cross_entropy_of(on, full<double>({4, 1}, score), {0, 0, 0, 0});
        CHECK(r.at("loss")() == 0);
        CHECK(equal_numbers(r.at("p"), full<double>({4, 1}, 1)));
        CHECK(equal_numbers(r.at("dz"), zeros<double>({4, 1})));
    }
}

HANDGRAD_TEST_ON_BACKENDS("edges: a score of minus infinity is a class ruled out", "[edges]") {
    const double inf = std::numeric_limits<double>::infinity();
    const auto z = tensor<double>({2, 3}, {0, 0, -inf, -inf, 5, -inf});
    const Values r = cross_entropy_of(on, z, {0, 1});
    CHECK(std::abs(r.at("loss")() - std::log(2.0) / 2) <= on.rounding());
    CHECK(equal_numbers(r.at("p"), tensor<double>({2, 3}, {0.5, 0.5, 0, 0, 1, 0})));
    CHECK(equal_numbers(r.at("dz"), tensor<double>({2, 3}, {-0.25, 0.25, 0, 0, 0, 0})));
    // The true class ruled out: the loss is infinite, the gradient is not.
    const Values out = cross_entropy_of(on, z, {2, 1});
    CHECK(out.at("loss")() == inf);
    CHECK(equal_numbers(out.at("dz"), tensor<double>({2, 3}, {0.25, 0.25, -0.5, 0, 0, 0})));
    // All ruled out: NaN, as 0/0 is.
    CHECK(std::isnan(cross_entropy_of(on, full<double>({1, 3}, -inf), {0}).at("loss")()));
}

HANDGRAD_TEST_ON_BACKENDS("edges: denormal numbers are not rounded to zero", "[edges]") {
    const double tiny = on.denorm_min();
    const Chain relu = chain_of("relu");
    for (const std::size_t n : {1, 3, 64}) { // with and without SIMD
        const auto x = full<double>({n}, tiny), two = full<double>({n}, 2);
        CHECK(equal_numbers(y_of(on, relu, x), x));
        CHECK(equal_numbers(dx_of(on, relu, x, two), two)); // x > 0, however little
        CHECK(equal_numbers(y_of(on, chain_of("tanh"), x), x));
        CHECK(equal_numbers(y_of(on, chain_of("sigmoid"), x), full<double>({n}, 0.5)));
        CHECK(equal_numbers(l2_penalty(2.0)(on, {{"w", x}}).at("dw"), full<double>({n}, 2 * tiny)));
        CHECK(l2_penalty(1.0)(on, {{"w", x}}).at("loss")() == 0); // the square is below the smallest number
        const Values sums = chain_of("linear")(
            on, {{"x", full<double>({2, n}, tiny)}, {"w", full<double>({n, 3}, 1)}, {"b", zeros<double>({3})}});
        CHECK(equal_numbers(sums.at("y"), full<double>({2, 3}, static_cast<double>(n) * tiny)));
        const auto image = full<double>({n, 1, 2, 2}, tiny);
        const Values convolved =
            conv2d()(on, {{"x", image}, {"w", full<double>({1, 1, 2, 2}, 1)}, {"b", zeros<double>({0})}});
        CHECK(equal_numbers(convolved.at("y"), full<double>({n, 1, 1, 1}, 4 * tiny)));
        CHECK(equal_numbers(y_of(on, max_pool2d(Size2d(2)), image), full<double>({n, 1, 1, 1}, tiny)));
        SgdOptions options;
        options.lr = 1;
        Values step{{"p", zeros<double>({n})}, {"g", x}};
        CHECK(equal_numbers(sgd_step(options)(on, step).at("p"), full<double>({n}, -tiny)));
    }
    CHECK(equal_numbers(chain_of("softmax")(on, {{"z", tensor<double>({1, 2}, {tiny, 0})}}).at("p"),
                        full<double>({1, 2}, 0.5)));
}

HANDGRAD_TEST_ON_BACKENDS("edges: exponentials that are denormal numbers are not rounded to zero", "[edges]") {
    // The logarithms of the smallest normal number and of half the smallest denormal one, below which e^x rounds to 0.
    const double digits = on.is_float ? std::numeric_limits<float>::digits : std::numeric_limits<double>::digits;
    const double normal = std::log(on.min()), zero = normal - (digits - 0.9) * std::log(2.0);
    std::vector<double> exponents = {normal + 1, normal + 0.01, normal, normal - 0.01, zero, zero - 1, -1e4};
    for (double x = normal - 0.5; x > zero; x -= 0.5) { exponents.push_back(x); }
    const Chain sigmoid = chain_of("sigmoid"), softmax = chain_of("softmax"), cross_entropy = chain_of("cross_entropy");
    for (const std::size_t n : {1, 3, 64}) { // with and without SIMD
        INFO("n = " << n);
        std::size_t sigmoids = 0, softmaxes = 0, losses = 0; // how many are right
        for (const double exponent : exponents) {
            const double x = on.stored(exponent); // too little for 1 + power to differ from 1
            const double power = on.is_float ? static_cast<double>(std::exp(static_cast<float>(x))) : std::exp(x);
            const auto near = [&](double y) { // to rounding; of a denormal number the last place is the smallest number
                return std::abs(y - power) <= 2 * on.epsilon() * power + on.denorm_min();
            };
            const auto all_near = [&](const Tensor<double>& t) {
                return std::all_of(t.data(), t.data() + t.size(), near);
            };
            sigmoids += all_near(y_of(on, sigmoid, full<double>({n}, x)));
            // Scores 0 and x, in n rows: probabilities 1 and e^x, a loss of -x.
            Tensor<double> z(Shape{n, 2}), second(Shape{n});
            for (std::size_t i = 0; i < n; ++i) {
                z(i, 0) = 0;
                z(i, 1) = x;
            }
            const Tensor<double> p = softmax(on, {{"z", z}}).at("p");
            const Values r = cross_entropy(on, {{"z", z}, {"y", full<double>({n}, 1)}});
            for (std::size_t i = 0; i < n; ++i) { second.data()[i] = p(i, 1); }
            softmaxes += all_near(second) && equal_numbers(r.at("p"), p);
            const Values first = cross_entropy(on, {{"z", z}, {"y", zeros<double>({n})}});
            losses += std::abs(r.at("loss")() + x) <= on.rounding() * -x &&
                      first.at("dz")(0, 1) == on.stored(p(0, 1) / static_cast<double>(n));
        }
        CHECK(sigmoids == exponents.size());
        CHECK(softmaxes == exponents.size());
        CHECK(losses == exponents.size());
    }
}

HANDGRAD_TEST_ON_BACKENDS("edges: relu leaves -0 as it is, with a gradient of 0", "[edges]") {
    const Chain relu = chain_of("relu");
    for (const std::size_t n : {1, 3, 8, 64}) { // with and without SIMD
        const auto minus = full<double>({n}, -0.0), plus = full<double>({n}, 0);
        CHECK(same_bits(y_of(on, relu, minus), minus));
        CHECK(same_bits(y_of(on, relu, plus), plus));
        CHECK(same_bits(y_of(on, relu, full<double>({n}, -1)), plus));
        CHECK(equal_numbers(dx_of(on, relu, minus, full<double>({n}, 5)), plus));
    }
    // Equal zeros in a window: the first one wins, whatever its sign.
    for (const double first : {0.0, -0.0}) {
        for (const std::size_t n : {1, 64}) {
            auto x = full<double>({n, 1, 2, 2}, -first);
            for (std::size_t i = 0; i < n; ++i) { x(i, 0, 0, 0) = first; }
            const Values pooled = max_pool2d(Size2d(2))(on, {{"x", x}});
            CHECK(same_bits(pooled.at("y"), full<double>({n, 1, 1, 1}, first)));
            CHECK(pooled.at("indices")(n - 1, 0, 0, 0) == 0);
        }
    }
}

HANDGRAD_TEST_ON_BACKENDS("edges: conv2d_relu_max_pool2d has the zeros of its three operations", "[edges][fused]") {
    Random random(7, 1);
    const auto zeros_and_ones = [&](const Shape& shape) { // of both signs
        const double values[] = {-0.0, 0.0, -0.0, 0.0, 1, -1};
        Tensor<double> t(shape);
        for (double& v : t.storage()) { v = values[random.below(6)]; }
        return t;
    };
    std::size_t minus = 0;
    for (const std::size_t n : {1, 64}) { // with few images the kernel is another one
        for (int i = 0; i < 20; ++i) {
            const Values arguments{{"x", zeros_and_ones({n, 1, 4, 4})},
                                   {"w", zeros_and_ones({3, 1, 1, 1})},
                                   {"b", full<double>({3}, -0.0)}};
            Conv2dOptions options;
            options.algorithm = n == 1 ? ConvAlgorithm::automatic : ConvAlgorithm::direct;
            const auto y = conv2d_relu_max_pool2d(options)(on, arguments).at("y");
            const auto h = y_of(on, chain_of("relu"), conv2d(options)(on, arguments).at("y"));
            const auto pooled = y_of(on, max_pool2d(Size2d(2)), h);
            // A GPU's fast convolution adds the bias last, so its zeros may have another sign (docs/edges.md).
            const bool has_other_signs = device::is_gpu() && !device::is_plain();
            CHECK((has_other_signs ? equal_numbers(y, pooled) : same_bits(y, pooled)));
            for (std::size_t j = 0; j < y.size(); ++j) { minus += y.data()[j] == 0 && std::signbit(y.data()[j]); }
        }
    }
    CHECK(minus > 0);
}

HANDGRAD_TEST_ON_BACKENDS("edges: what overflows becomes infinite, and says so", "[edges]") {
    const double inf = std::numeric_limits<double>::infinity();
    const auto x = full<double>({1, 2}, on.max());
    const Values sum = chain_of("linear")(on, {{"x", x}, {"w", full<double>({2, 1}, 1)}, {"b", zeros<double>({1})}});
    CHECK(sum.at("y")(0, 0) == inf);
    CHECK(l2_penalty(1.0)(on, {{"w", x}}).at("loss")() == inf);
    CHECK(equal_numbers(y_of(on, chain_of("tanh"), x), full<double>({1, 2}, 1)));
    CHECK(equal_numbers(y_of(on, chain_of("sigmoid"), x), full<double>({1, 2}, 1)));
    CHECK(equal_numbers(y_of(on, chain_of("sigmoid"), Tensor<double>(-x)), zeros<double>({1, 2})));
    CHECK(equal_numbers(chain_of("softmax")(on, {{"z", x}}).at("p"), full<double>({1, 2}, 0.5)));
}
