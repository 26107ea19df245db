// linear on all backends, against products of the test's own and against sums done by hand.

#include "catch.hpp"
#include "handgrad/backends/cpu.hpp"
#include "handgrad/backends/reference.hpp"
#include "support/tensors.hpp"

using namespace handgrad;
using namespace support;

namespace {

/// What linear and its gradients should be, in double, in loops that are neither backend's.
struct ExpectedLinear {
    Tensor<double> y, dx, dw, db;
    ExpectedLinear(const Tensor<double>& x, const Tensor<double>& w, const Tensor<double>& b, const Tensor<double>& dy)
        : y(dy.shape()), dx(zeros<double>(x.shape())), dw(zeros<double>(w.shape())), db(zeros<double>(b.shape())) {
        const std::size_t in = w.shape(0), out = w.shape(1);
        for (std::size_t n = 0; n < x.shape(0); ++n) {
            const double* g = dy.data() + n * out;
            double* yn = y.data() + n * out;
            for (std::size_t k = 0; k < out; ++k) {
                yn[k] = b.data()[k];
                db.data()[k] += g[k];
            }
            for (std::size_t d = 0; d < in; ++d) {
                const double xd = x.data()[n * in + d];
                const double* wd = w.data() + d * out;
                double* dwd = dw.data() + d * out;
                double sum = 0;
                for (std::size_t k = 0; k < out; ++k) {
                    yn[k] += xd * wd[k];
                    dwd[k] += xd * g[k];
                    sum += g[k] * wd[k];
                }
                dx.data()[n * in + d] = sum;
            }
        }
    }
};

/// One problem of size n, in, out: its arguments, and what should come out.
struct LinearProblem {
    Tensor<double> x, w, b, dy;
    ExpectedLinear expected;
    template <class Fill> LinearProblem(std::size_t n, std::size_t in, std::size_t out, const Fill& fill)
        : x(fill({n, in}, 1)), w(fill({in, out}, 2)), b(fill({out}, 3)), dy(fill({n, out}, 4)), expected(x, w, b, dy) {}

    /// Whether a backend's four results are that; exactly so if the tolerance is 0.
    template <class B> bool solved_by(double tolerance) const {
        using T = typename B::Scalar;
        const Tensor<T> xt = to<T>(x), wt = to<T>(w), bt = to<T>(b), dyt = to<T>(dy);
        const Tensor<T> y = B::linear_forward(xt, wt, bt);
        const auto g = B::linear_backward(xt, wt, dyt);
        const auto close = [&](const Tensor<T>& got, const Tensor<double>& right) {
            return tolerance == 0 ? equal_numbers(got, right) : difference(got, right) <= tolerance;
        };
        return close(y, expected.y) && close(g.dx, expected.dx) && close(g.dw, expected.dw) && close(g.db, expected.db);
    }
};

constexpr std::size_t sides[] = {1, 2, 3, 5, 8, 9, 16, 17, 33, 47, 64, 100};

} // namespace

TEMPLATE_TEST_CASE("linear: sums done by hand", "[ops][linear]", HANDGRAD_BACKENDS) {
    using T = typename TestType::Scalar;
    const auto x = tensor<T>({2, 3}, {1, 2, 3, 4, 5, 6});
    const auto w = tensor<T>({3, 2}, {1, 2, 3, 4, 5, 6});
    const auto b = tensor<T>({2}, {0.5, -0.5});
    const auto dy = tensor<T>({2, 2}, {1, -1, 2, 0.25});
    // 1*1 + 2*3 + 3*5 + 0.5 and so on
    CHECK(equal_numbers(TestType::linear_forward(x, w, b), tensor<T>({2, 2}, {22.5, 27.5, 49.5, 63.5})));
    const auto g = TestType::linear_backward(x, w, dy);
    CHECK(equal_numbers(g.dx, tensor<T>({2, 3}, {-1, -1, -1, 2.5, 7, 11.5})));
    CHECK(equal_numbers(g.dw, tensor<T>({3, 2}, {9, 0, 12, -0.75, 15, -1.5})));
    CHECK(equal_numbers(g.db, tensor<T>({2}, {3, -0.75})));
}

TEMPLATE_TEST_CASE("linear: whole numbers are exact for all sizes", "[ops][linear]", HANDGRAD_BACKENDS) {
    for (const std::size_t n : {1, 2, 3, 7, 23, 64, 300}) {
        for (const std::size_t in : sides) {
            for (const std::size_t out : sides) {
                if (n == 300 && in * out > 2000) { continue; } // no other path; the next tests go there
                INFO("N " << n << ", D_in " << in << ", D_out " << out);
                REQUIRE(LinearProblem(n, in, out, whole_numbers<double>).template solved_by<TestType>(0));
            }
        }
    }
}

TEMPLATE_TEST_CASE("linear: any numbers, to rounding, for all sizes", "[ops][linear]", HANDGRAD_BACKENDS) {
    for (const std::size_t n : {1, 2, 3, 7, 64}) {
        for (const std::size_t in : sides) {
            for (const std::size_t out : sides) {
                INFO("N " << n << ", D_in " << in << ", D_out " << out);
                REQUIRE(LinearProblem(n, in, out, normal_numbers<double>)
                            .template solved_by<TestType>(rounding<typename TestType::Scalar>()));
            }
        }
    }
}

TEMPLATE_TEST_CASE("linear: sizes that threads share", "[ops][linear]", Cpu<float>, Cpu<double>) {
    struct Size {
        std::size_t n, in, out;
    };
    // A whole number of chunks and not; the last, shorter chunk; each narrow kernel.
    for (const Size s : {Size{1000, 784, 100},
                         {70, 500, 400},
                         {65, 784, 100},
                         {203, 100, 333},
                         {20001, 2, 100},
                         {13501, 100, 3},
                         {20003, 8, 33},
                         {20003, 33, 8},
                         {120005, 5, 7}}) {
        INFO("N " << s.n << ", D_in " << s.in << ", D_out " << s.out);
        const LinearProblem problem(s.n, s.in, s.out, whole_numbers<double>);
        for (const int threads : {1, 2, 4}) {
            const Threads guard(threads);
            REQUIRE(problem.solved_by<TestType>(0));
        }
    }
}

TEMPLATE_TEST_CASE("linear: a row's result does not depend on the rows beside it", "[ops][linear]", HANDGRAD_BACKENDS) {
    using B = TestType;
    using T = typename B::Scalar;
    struct Size {
        std::size_t in, out;
    };
    for (const Size s : {Size{40, 33}, {5, 20}, {40, 3}, {784, 20}}) {
        const auto x = normal_numbers<T>({29, s.in}, 1), w = normal_numbers<T>({s.in, s.out}, 2),
                   b = normal_numbers<T>({s.out}, 3);
        const auto y = B::linear_forward(x, w, b);
        for (std::size_t n = 0; n < 29; ++n) {
            INFO("D_in " << s.in << ", D_out " << s.out << ", row " << n);
            Tensor<T> row(Shape{1, s.in}), expected(Shape{1, s.out});
            std::copy_n(x.data() + n * s.in, s.in, row.data());
            std::copy_n(y.data() + n * s.out, s.out, expected.data());
            REQUIRE(same_bits(B::linear_forward(row, w, b), expected));
        }
    }
}

TEMPLATE_TEST_CASE("linear: buffers are overwritten, whatever was in them", "[ops][linear]", HANDGRAD_BACKENDS) {
    using B = TestType;
    using T = typename B::Scalar;
    for (const std::size_t n : {1, 2, 3, 7}) {
        for (const std::size_t in : {3, 8, 17, 40}) {
            for (const std::size_t out : {1, 3, 9, 40}) {
                INFO("N " << n << ", D_in " << in << ", D_out " << out);
                const auto x = normal_numbers<T>({n, in}, 1), w = normal_numbers<T>({in, out}, 2),
                           b = normal_numbers<T>({out}, 3), dy = normal_numbers<T>({n, out}, 4);
                const Tensor<T> y = B::linear_forward(x, w, b);
                const auto g = B::linear_backward(x, w, dy);
                REQUIRE(overwrites(y, [&](Tensor<T>& t) { B::linear_forward(x, w, b, t); }));
                REQUIRE(overwrites(g.dx, [&](Tensor<T>& t) { B::linear_backward_input(dy, w, t); }));
                REQUIRE(overwrites(g.dw, [&](Tensor<T>& t) { B::linear_backward_weight(x, dy, t); }));
                REQUIRE(overwrites(g.dw, [&](Tensor<T>& t) { B::linear_backward_weight(x, dy, t, Accumulate::no); }));
                REQUIRE(overwrites(g.db, [&](Tensor<T>& t) { B::linear_backward_bias(dy, t); }));
            }
        }
    }
}

TEMPLATE_TEST_CASE("linear: parameters' gradients add up where asked to", "[ops][linear]", HANDGRAD_BACKENDS) {
    using B = TestType;
    using T = typename B::Scalar;
    for (const std::size_t in : {2, 9, 40}) {
        for (const std::size_t out : {1, 3, 9, 40}) {
            INFO("D_in " << in << ", D_out " << out);
            const auto x = whole_numbers<T>({5, in}, 1), w = whole_numbers<T>({in, out}, 2),
                       dy = whole_numbers<T>({5, out}, 3);
            const auto g = B::linear_backward(x, w, dy);
            Tensor<T> dw = full<T>({in, out}, T(10)), db = full<T>({out}, T(20));
            for (int call = 0; call < 2; ++call) {
                B::linear_backward_weight(x, dy, dw, Accumulate::yes);
                B::linear_backward_bias(dy, db, Accumulate::yes);
            }
            const Tensor<T> twice_dw = T(10) + T(2) * g.dw, twice_db = T(20) + T(2) * g.db;
            REQUIRE(equal_numbers(dw, twice_dw));
            REQUIRE(equal_numbers(db, twice_db));
        }
    }
}

TEMPLATE_TEST_CASE("linear: an empty batch gives an empty result and gradients of zero", "[ops][linear]",
                   HANDGRAD_BACKENDS) {
    using T = typename TestType::Scalar;
    for (const std::size_t in : {3, 20}) {
        for (const std::size_t out : {2, 20}) {
            const Tensor<T> x(Shape{0, in}), dy(Shape{0, out});
            const auto w = whole_numbers<T>({in, out}, 1), b = whole_numbers<T>({out}, 2);
            CHECK(TestType::linear_forward(x, w, b).shape() == Shape{0, out});
            const auto g = TestType::linear_backward(x, w, dy);
            CHECK(g.dx.shape() == Shape{0, in});
            CHECK(equal_numbers(g.dw, zeros<T>({in, out})));
            CHECK(equal_numbers(g.db, zeros<T>({out})));
        }
    }
}

TEMPLATE_TEST_CASE("linear: NaN stays in its row", "[ops][linear]", HANDGRAD_BACKENDS) {
    using T = typename TestType::Scalar;
    for (const std::size_t out : {3, 40}) {
        auto x = whole_numbers<T>({3, 20}, 1);
        x(1, 7) = std::numeric_limits<T>::quiet_NaN();
        const auto y = TestType::linear_forward(x, full<T>({20, out}, T(0)), zeros<T>({out}));
        for (std::size_t k = 0; k < out; ++k) {
            CHECK(y(0, k) == 0);
            CHECK(std::isnan(y(1, k))); // 0 * NaN is NaN
            CHECK(y(2, k) == 0);
        }
    }
}
