// relu, sigmoid and tanh on all backends: values, kinks, and numbers at the ends of the range.

#include "catch.hpp"
#include "handgrad/backends/cpu.hpp"
#include "handgrad/backends/reference.hpp"
#include "support/tensors.hpp"

using namespace handgrad;
using namespace support;

namespace {

/// Calls body(name, forward, backward, f, slope): the operation, and the same for one number in long double, the slope
/// as a function of x and f(x).
template <class B, class Body> void for_each_activation(const Body& body) {
    using T = typename B::Scalar;
    using Real = long double;
    body(
        "relu", [](const Tensor<T>& x, Tensor<T>& y) { B::relu_forward(x, y); },
        [](const Tensor<T>& x, const Tensor<T>& dy, Tensor<T>& dx) { B::relu_backward(x, dy, dx); },
        [](Real x) { return x > 0 ? x : Real(0); }, [](Real x, Real) { return x > 0 ? Real(1) : Real(0); });
    body(
        "sigmoid", [](const Tensor<T>& x, Tensor<T>& y) { B::sigmoid_forward(x, y); },
        [](const Tensor<T>& x, const Tensor<T>& dy, Tensor<T>& dx) {
            B::sigmoid_backward(B::sigmoid_forward(x), dy, dx);
        },
        [](Real x) { return 1 / (1 + std::exp(-x)); }, [](Real, Real y) { return y * (1 - y); });
    body(
        "tanh", [](const Tensor<T>& x, Tensor<T>& y) { B::tanh_forward(x, y); },
        [](const Tensor<T>& x, const Tensor<T>& dy, Tensor<T>& dx) { B::tanh_backward(B::tanh_forward(x), dy, dx); },
        [](Real x) { return std::tanh(x); }, [](Real, Real y) { return 1 - y * y; });
}

/// The shapes of the tests: one entry, partial registers, several chunks for the threads, more than two dimensions.
const Shape shapes[] = {{1, 1}, {2, 3}, {3, 5}, {7, 9}, {7, 16}, {64, 100}, {3, 2, 4, 5}, {13}, {}, {300007}};

} // namespace

TEMPLATE_TEST_CASE("activations: every entry by the formula", "[ops][activation]", HANDGRAD_BACKENDS) {
    using T = typename TestType::Scalar;
    for_each_activation<TestType>([](const std::string& name, auto forward, auto backward, auto f, auto slope) {
        for (const Shape& shape : shapes) {
            INFO(name << " " << to_string(shape));
            const auto x = normal_numbers<T>(shape, 1), dy = normal_numbers<T>(shape, 2);
            Tensor<double> y(shape), dx(shape);
            for (std::size_t i = 0; i < x.size(); ++i) {
                const long double right = f(static_cast<long double>(x.data()[i]));
                y.data()[i] = static_cast<double>(right);
                dx.data()[i] = static_cast<double>(dy.data()[i] * slope(x.data()[i], right));
            }
            Tensor<T> got_y, got_dx;
            forward(x, got_y);
            backward(x, dy, got_dx);
            REQUIRE(difference(got_y, y) <= 4 * std::numeric_limits<T>::epsilon());
            REQUIRE(difference(got_dx, dx) <= 8 * std::numeric_limits<T>::epsilon());
        }
    });
}

TEMPLATE_TEST_CASE("activations: buffers, and results in place", "[ops][activation]", HANDGRAD_BACKENDS) {
    using T = typename TestType::Scalar;
    for_each_activation<TestType>([](const std::string& name, auto forward, auto backward, auto, auto) {
        for (const Shape& shape : shapes) {
            INFO(name << " " << to_string(shape));
            const auto x = normal_numbers<T>(shape, 1), dy = normal_numbers<T>(shape, 2);
            Tensor<T> y, dx;
            forward(x, y);
            backward(x, dy, dx);
            REQUIRE(overwrites(y, [&](Tensor<T>& t) { forward(x, t); }));
            REQUIRE(overwrites(dx, [&](Tensor<T>& t) { backward(x, dy, t); }));
            Tensor<T> x_then_y = x, dy_then_dx = dy;
            forward(x_then_y, x_then_y);
            backward(x, dy_then_dx, dy_then_dx);
            REQUIRE(same_bits(x_then_y, y));
            REQUIRE(same_bits(dy_then_dx, dx));
        }
    });
}

TEMPLATE_TEST_CASE("activations: the allocating form gives the same", "[ops][activation]", HANDGRAD_BACKENDS) {
    using B = TestType;
    using T = typename B::Scalar;
    const auto x = normal_numbers<T>({3, 7}, 1), dy = normal_numbers<T>({3, 7}, 2);
    Tensor<T> y, dx;
    B::relu_forward(x, y);
    B::relu_backward(x, dy, dx);
    CHECK(same_bits(B::relu_forward(x), y));
    CHECK(same_bits(B::relu_backward(x, dy), dx));
    B::sigmoid_forward(x, y);
    B::sigmoid_backward(y, dy, dx);
    CHECK(same_bits(B::sigmoid_forward(x), y));
    CHECK(same_bits(B::sigmoid_backward(y, dy), dx));
    B::tanh_forward(x, y);
    B::tanh_backward(y, dy, dx);
    CHECK(same_bits(B::tanh_forward(x), y));
    CHECK(same_bits(B::tanh_backward(y, dy), dx));
}

TEMPLATE_TEST_CASE("relu: at the kink, and for numbers that are none", "[ops][activation]", HANDGRAD_BACKENDS) {
    using T = typename TestType::Scalar;
    const T inf = std::numeric_limits<T>::infinity(), nan = std::numeric_limits<T>::quiet_NaN(),
            least = std::numeric_limits<T>::denorm_min();
    const auto x = tensor<T>({9}, {0, -0.0, nan, inf, -inf, least, -least, 2, -2});
    const auto y = TestType::relu_forward(x);
    const auto dx = TestType::relu_backward(x, full<T>({9}, T(3)));
    CHECK(std::isnan(y(2)));
    CHECK(dx(2) == 3); // NaN passes back too, as in PyTorch
    CHECK((y(0) == 0 && y(1) == 0 && y(3) == inf && y(4) == 0 && y(5) == least && y(6) == 0 && y(7) == 2 && y(8) == 0));
    CHECK_FALSE((std::signbit(y(0)) || std::signbit(y(4)) || std::signbit(y(8))));
    CHECK(equal_numbers(dx, tensor<T>({9}, {0, 0, 3, 3, 0, 3, 0, 3, 0})));
    const auto through = TestType::relu_backward(tensor<T>({3}, {1, -1, 0}), full<T>({3}, nan));
    CHECK((std::isnan(through(0)) && through(1) == 0 && through(2) == 0));
}

TEMPLATE_TEST_CASE("sigmoid and tanh: at the ends of the range", "[ops][activation]", HANDGRAD_BACKENDS) {
    using T = typename TestType::Scalar;
    using Limits = std::numeric_limits<T>;
    const T inf = Limits::infinity(), nan = Limits::quiet_NaN(), least = Limits::denorm_min();
    for (const std::size_t lead : {0, 16}) { // in a partial register and in whole ones
        Tensor<T> x = zeros<T>({lead + 16});
        const auto edge = tensor<T>(
            {12}, {1e4, -1e4, inf, -inf, nan, 0, -0.0, least, -least, Limits::max(), Limits::lowest(), Limits::min()});
        std::copy_n(edge.data(), edge.size(), x.data());
        const auto s = TestType::sigmoid_forward(x), t = TestType::tanh_forward(x);
        CHECK((s(0) == 1 && s(1) == 0 && s(2) == 1 && s(3) == 0 && s(9) == 1 && s(10) == 0));
        CHECK((t(0) == 1 && t(1) == -1 && t(2) == 1 && t(3) == -1 && t(9) == 1 && t(10) == -1));
        CHECK((std::isnan(s(4)) && std::isnan(t(4))));
        CHECK((s(5) == T(0.5) && s(6) == T(0.5) && s(7) == T(0.5) && s(8) == T(0.5) && s(11) == T(0.5)));
        CHECK((t(5) == 0 && t(6) == 0));
        CHECK(std::signbit(t(6)));
        CHECK(std::abs(t(7)) <= 2 * least); // to the last digit of a subnormal number
        CHECK(std::abs(t(8)) <= 2 * least);
        CHECK(std::abs(t(11) - Limits::min()) <= Limits::epsilon() * Limits::min());

        const auto dy = full<T>(x.shape(), T(1));
        const auto ds = TestType::sigmoid_backward(s, dy), dt = TestType::tanh_backward(t, dy);
        for (const std::size_t i : {0, 1, 2, 3, 9, 10}) {
            CHECK(ds(i) == 0);
            CHECK(dt(i) == 0);
        }
        CHECK((std::isnan(ds(4)) && std::isnan(dt(4))));
        CHECK((ds(5) == T(0.25) && dt(5) == 1));
    }
}

TEMPLATE_TEST_CASE("sigmoid and tanh: small results keep their digits", "[ops][activation]", HANDGRAD_BACKENDS) {
    using T = typename TestType::Scalar;
    const double eps = std::numeric_limits<T>::epsilon();
    const double lowest = std::is_same_v<T, float> ? -85 : -700;
    for (double v = lowest; v <= 0; v += 0.37) {
        const auto x = full<T>({5}, static_cast<T>(v));
        const long double at = x(0);
        const double s = static_cast<double>(std::exp(at) / (1 + std::exp(at)));
        INFO("x " << v);
        CHECK(std::abs(static_cast<double>(TestType::sigmoid_forward(x)(4)) - s) <= 8 * eps * s);
    }
    for (double v = 1e-30; v <= 20; v *= 1.7) {
        const auto x = full<T>({5}, static_cast<T>(-v));
        const double t = static_cast<double>(std::tanh(static_cast<long double>(x(0))));
        INFO("x " << -v);
        CHECK(std::abs(static_cast<double>(TestType::tanh_forward(x)(4)) - t) <= 8 * eps * std::abs(t));
    }
}
