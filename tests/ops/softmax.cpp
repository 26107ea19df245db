// softmax, cross-entropy and count_correct on all backends.

#include "catch.hpp"
#include "handgrad/backends/cpu.hpp"
#include "handgrad/backends/reference.hpp"
#include "support/tensors.hpp"

using namespace handgrad;
using namespace support;
using Catch::Matchers::WithinAbs;
using Catch::Matchers::WithinRel;

namespace {

/// softmax, its gradient for dp, and the mean cross-entropy, in long double.
struct ExpectedSoftmax {
    Tensor<double> p, dz;
    double loss = 0;
    template <class T> ExpectedSoftmax(const Tensor<T>& z, const Tensor<T>& dp, const Labels& y)
        : p(z.shape()), dz(z.shape()) {
        const std::size_t classes = z.shape(1);
        std::vector<long double> pn(classes);
        for (std::size_t n = 0; n < z.shape(0); ++n) {
            const T* zn = z.data() + n * classes;
            const T* dpn = dp.data() + n * classes;
            const long double m = *std::max_element(zn, zn + classes);
            long double sum = 0, mean = 0;
            for (std::size_t k = 0; k < classes; ++k) { sum += pn[k] = std::exp(zn[k] - m); }
            for (std::size_t k = 0; k < classes; ++k) { mean += dpn[k] * (pn[k] /= sum); }
            for (std::size_t k = 0; k < classes; ++k) {
                p(n, k) = static_cast<double>(pn[k]);
                dz(n, k) = static_cast<double>(pn[k] * (dpn[k] - mean));
            }
            loss += static_cast<double>(std::log(sum) - (zn[static_cast<std::size_t>(y(n))] - m));
        }
        loss /= static_cast<double>(z.shape(0));
    }
};

struct RowsAndClasses {
    std::size_t n, k;
};
// One class, partial registers, blocks of 512 entries with one row and with many, several chunks for the threads.
constexpr RowsAndClasses sizes[] = {{1, 1},  {2, 1},   {1, 3},   {2, 3},    {3, 10},   {7, 10},    {64, 10},
                                    {7, 17}, {300, 3}, {3, 600}, {40, 600}, {1, 5000}, {20001, 3}, {5000, 10}};

} // namespace

TEMPLATE_TEST_CASE("softmax and cross-entropy: by the formula", "[ops][softmax]", HANDGRAD_BACKENDS) {
    using B = TestType;
    using T = typename B::Scalar;
    for (const auto [n, k] : sizes) {
        INFO("N " << n << ", K " << k);
        const Tensor<T> z = T(3) * normal_numbers<T>({n, k}, 1), dp = normal_numbers<T>({n, k}, 2);
        const Labels y = random_labels(n, k, 3);
        const ExpectedSoftmax expected(z, dp, y);
        const Tensor<T> p = B::softmax_forward(z);
        REQUIRE(difference(p, expected.p) <= rounding<T>());
        if (k > 1) { REQUIRE(difference(B::softmax_backward(p, dp), expected.dz) <= rounding<T>()); }
        Tensor<T> p_of_loss;
        const T loss = B::cross_entropy_forward(z, y, p_of_loss);
        REQUIRE_THAT(static_cast<double>(loss), WithinAbs(expected.loss, rounding<T>() * (1 + expected.loss)));
        REQUIRE(same_bits(p_of_loss, p));
        REQUIRE(B::cross_entropy_forward(z, y) == loss);
        Tensor<double> dz = expected.p;
        for (std::size_t i = 0; i < n; ++i) { dz(i, static_cast<std::size_t>(y(i))) -= 1; }
        dz /= static_cast<double>(n);
        if (k > 1) { REQUIRE(difference(B::cross_entropy_backward(p, y), dz) <= rounding<T>()); }
    }
}

TEMPLATE_TEST_CASE("softmax and cross-entropy: buffers, repeated calls, in place", "[ops][softmax]",
                   HANDGRAD_BACKENDS) {
    using B = TestType;
    using T = typename B::Scalar;
    for (const auto [n, k] : sizes) {
        if (n * k > 10000) { continue; }
        INFO("N " << n << ", K " << k);
        const auto z = normal_numbers<T>({n, k}, 1), dp = normal_numbers<T>({n, k}, 2);
        const Labels y = random_labels(n, k, 3);
        const Tensor<T> p = B::softmax_forward(z), dz = B::softmax_backward(p, dp),
                        dl = B::cross_entropy_backward(p, y);
        REQUIRE(overwrites(p, [&](Tensor<T>& t) { B::softmax_forward(z, t); }));
        REQUIRE(overwrites(p, [&](Tensor<T>& t) { B::cross_entropy_forward(z, y, t); }));
        REQUIRE(overwrites(dz, [&](Tensor<T>& t) { B::softmax_backward(p, dp, t); }));
        REQUIRE(overwrites(dl, [&](Tensor<T>& t) { B::cross_entropy_backward(p, y, t); }));
        Tensor<T> in_place = dp;
        B::softmax_backward(p, in_place, in_place);
        REQUIRE(same_bits(in_place, dz));
    }
}

TEMPLATE_TEST_CASE("cross-entropy: the slide's digit costs 0.105, not 0.045", "[ops][softmax]", HANDGRAD_BACKENDS) {
    using T = typename TestType::Scalar;
    // Scores whose softmax is 0.9 for the true class: -log 0.9 = 0.105 in nats (0.045 is the logarithm to base 10).
    const auto z = tensor<T>({1, 2}, {std::log(9.0), 0});
    CHECK_THAT(static_cast<double>(TestType::cross_entropy_forward(z, labels({0}))), WithinAbs(0.1053605, 1e-6));
    const auto p = TestType::softmax_forward(z);
    CHECK_THAT(static_cast<double>(p(0, 0)), WithinRel(0.9, 1e-6));
}

TEMPLATE_TEST_CASE("softmax and cross-entropy: equal scores", "[ops][softmax]", HANDGRAD_BACKENDS) {
    using T = typename TestType::Scalar;
    for (const double level : {0.0, 1.0, 1e4, -1e4, 1e38, -1e38}) {
        for (const std::size_t k : {1, 2, 4, 8, 16}) {
            INFO("scores " << level << ", classes " << k);
            const auto z = full<T>({3, k}, static_cast<T>(level));
            const auto p = TestType::softmax_forward(z);
            CHECK(equal_numbers(p, full<T>({3, k}, T(1) / static_cast<T>(k))));
            const T loss = TestType::cross_entropy_forward(z, labels({0, 0, static_cast<std::int64_t>(k) - 1}));
            CHECK_THAT(static_cast<double>(loss), WithinAbs(std::log(static_cast<double>(k)), 1e-6));
        }
    }
}

TEMPLATE_TEST_CASE("softmax and cross-entropy: scores far apart", "[ops][softmax]", HANDGRAD_BACKENDS) {
    using T = typename TestType::Scalar;
    const double inf = std::numeric_limits<double>::infinity();
    for (const double far : {1e4, 1e38, inf}) {
        const auto z = tensor<T>({2, 3}, {far == inf ? 5 : far, -far, -far, 0, -far, 0});
        Tensor<T> p;
        const T right = TestType::cross_entropy_forward(z, labels({0, 2}), p);
        INFO("apart " << far);
        CHECK(equal_numbers(p, tensor<T>({2, 3}, {1, 0, 0, 0.5, 0, 0.5})));
        CHECK_THAT(static_cast<double>(right), WithinRel(std::log(2.0) / 2, 1e-6));
        CHECK(equal_numbers(TestType::cross_entropy_backward(p, labels({0, 2})),
                            tensor<T>({2, 3}, {0, 0, 0, 0.25, 0, -0.25})));
        // The wrong class chosen with certainty: the loss is the distance of the scores, however large.
        const double wrong = static_cast<double>(TestType::cross_entropy_forward(z, labels({1, 2})));
        const double distance = far == inf ? inf : (2 * far + std::log(2.0)) / 2;
        CHECK((wrong == distance || std::abs(wrong - distance) <= 1e-6 * distance));
        CHECK(equal_numbers(TestType::cross_entropy_backward(p, labels({1, 2})),
                            tensor<T>({2, 3}, {0.5, -0.5, 0, 0.25, 0, -0.25})));
    }
}

TEMPLATE_TEST_CASE("softmax and cross-entropy: what is not a number stays visible", "[ops][softmax]",
                   HANDGRAD_BACKENDS) {
    using T = typename TestType::Scalar;
    const double nan = std::numeric_limits<double>::quiet_NaN(), inf = std::numeric_limits<double>::infinity();
    for (const std::size_t column : {0, 1, 2}) {
        auto z = tensor<T>({2, 3}, {1, 2, 3, 1, 2, 3});
        z(0, column) = static_cast<T>(nan);
        Tensor<T> p;
        CHECK(std::isnan(TestType::cross_entropy_forward(z, labels({0, 0}), p)));
        for (std::size_t k = 0; k < 3; ++k) {
            CHECK(std::isnan(p(0, k)));
            CHECK_FALSE(std::isnan(p(1, k)));
        }
        z(0, column) = static_cast<T>(inf); // inf - inf
        CHECK(std::isnan(TestType::cross_entropy_forward(z, labels({0, 0}))));
    }
    const auto nothing = full<T>({1, 3}, static_cast<T>(-inf));
    CHECK(std::isnan(TestType::cross_entropy_forward(nothing, labels({0}))));
}

TEMPLATE_TEST_CASE("count_correct: a NaN is the largest score, the first of several", "[ops][softmax]",
                   HANDGRAD_BACKENDS) {
    using T = typename TestType::Scalar;
    const double nan = std::numeric_limits<double>::quiet_NaN(), inf = std::numeric_limits<double>::infinity();
    // torch.argmax (2.13) gives the classes 0, 1, 2, 0, 1, 1.
    const auto z = tensor<T>({6, 3}, {nan, 1, 2, 0, nan, 5, 0, 5, nan, nan, nan, 0, 0, nan, nan, 9, nan, inf});
    const std::vector<std::int64_t> chosen{0, 1, 2, 0, 1, 1};
    for (std::size_t n = 0; n < 6; ++n) {
        CAPTURE(n);
        Tensor<T> row(Shape{1, 3});
        std::copy_n(z.data() + 3 * n, 3, row.data());
        for (std::int64_t k = 0; k < 3; ++k) {
            CHECK(TestType::count_correct(row, labels({k})) == (k == chosen[n] ? 1 : 0));
        }
    }
    CHECK(TestType::count_correct(z, labels({0, 1, 2, 0, 1, 1})) == 6);
    CHECK(TestType::count_correct(z, labels({1, 2, 1, 1, 2, 2})) == 0);
}

TEMPLATE_TEST_CASE("count_correct: the first of equal scores is the answer", "[ops][softmax]", HANDGRAD_BACKENDS) {
    using T = typename TestType::Scalar;
    const double inf = std::numeric_limits<double>::infinity();
    const auto z = tensor<T>({5, 3}, {1, 2, 3, 3, 2, 1, 2, 2, 1, -inf, -inf, -inf, -1, inf, inf});
    CHECK(TestType::count_correct(z, labels({2, 0, 0, 0, 1})) == 5);
    CHECK(TestType::count_correct(z, labels({1, 1, 1, 1, 2})) == 0);
    CHECK(TestType::count_correct(z, labels({2, 1, 0, 1, 1})) == 3);
    CHECK(TestType::count_correct(tensor<T>({1, 1}, {-7}), labels({0})) == 1);
}
