// The gradient checker: what it accepts, and above all what it must refuse.
#include "catch.hpp"

#include <cmath>
#include <complex>
#include <limits>
#include <sstream>
#include <stdexcept>

#include "handgrad/backends/reference.hpp"
#include "handgrad/check/check.hpp"
#include "handgrad/error.hpp"
#include "support/text.hpp"

using namespace handgrad;
using Catch::Matchers::WithinAbs;
using Catch::Matchers::WithinRel;
using support::contains;

namespace {

/// f(x) = sum of x_i^3 e^{x_i} / (i + 1), in any scalar.
struct Smooth {
    template <class T> T operator()(const Tensor<T>& x) const {
        using std::exp;
        T sum(0);
        for (std::size_t i = 0; i < x.size(); ++i) {
            const T u = x.data()[i];
            sum += u * u * u * exp(u) / T(static_cast<double>(i + 1));
        }
        return sum;
    }
};

Tensor<double> smooth_gradient(const Tensor<double>& x) {
    Tensor<double> g(x.shape());
    for (std::size_t i = 0; i < x.size(); ++i) {
        const double u = x.data()[i];
        g.data()[i] = (3 * u * u + u * u * u) * std::exp(u) / static_cast<double>(i + 1);
    }
    return g;
}

const Tensor<double> the_point{{0.3, -0.7, 1.1, 0.9}, {-0.2, 0.5, -1.3, 0.8}, {0.6, 1.7, -0.4, -0.9}};
const double nan_value = std::numeric_limits<double>::quiet_NaN();
const double infinity = std::numeric_limits<double>::infinity();

} // namespace

TEST_CASE("complex step agrees with known gradients to rounding", "[check]") {
    const check::Report report =
        check::compare("dx", smooth_gradient(the_point), check::complex_step(Smooth{}, the_point));
    INFO(report);
    REQUIRE(report.passed());
    CHECK(report.compared == 12);
    CHECK(report.kinks.empty());
    CHECK(report.max_relative_error < 1e-14);
}

TEST_CASE("central differences agree with known gradients to the tolerance of the table", "[check]") {
    const check::Differences numeric = check::central_difference(Smooth{}, the_point);
    const check::Report report = check::compare("dx", smooth_gradient(the_point), numeric);
    INFO(report);
    REQUIRE(report.passed());
    CHECK(numeric.kinks.empty());
    // A truncation error is there: the differences are not the exact gradient by other means.
    CHECK(report.max_absolute_error > 1e-14);
}

TEST_CASE("functions in float: against double at 1e-5, by differences at 1e-2", "[check]") {
    const Tensor<float> x(the_point);
    const Tensor<float> analytic(smooth_gradient(the_point));
    CHECK(check::compare("dx", analytic, check::complex_step(Smooth{}, Tensor<double>(x))).passed());
    const check::Differences numeric = check::central_difference(
        [](const auto& u) {
            using T = typename std::decay_t<decltype(u)>::value_type;
            using std::exp;
            T sum(0);
            for (std::size_t i = 0; i < u.size(); ++i) {
                sum += u.data()[i] * u.data()[i] * u.data()[i] * exp(u.data()[i]) / T(static_cast<double>(i + 1));
            }
            return sum;
        },
        x);
    const check::Report report = check::compare("dx", analytic, numeric);
    INFO(report);
    CHECK(report.passed());

    Tensor<float> wrong = analytic;
    wrong(2, 1) *= 1.0001f;
    CHECK_FALSE(check::compare("dx", wrong, check::complex_step(Smooth{}, Tensor<double>(x))).passed());
}

TEST_CASE("differences are divided by the step that was taken, not by the one that was asked for", "[check]") {
    // Beside 1000 a float has steps of 2^-14: 0.005 up and down becomes 82 of them each, 1e-3 of it more than was asked
    // for. The slope of f(x) = x has to be exactly 1 all the same.
    const auto identity = [](const auto& x) { return x.data()[0]; };
    const Tensor<float> x(Shape{1}, 1000.0F);
    CHECK(check::central_difference(identity, x).gradient.data()[0] == 1.0);
}

TEST_CASE("scalars and vectors have names too", "[check]") {
    const Tensor<double> scalar(Shape{}, 0.5);
    const check::Report report = check::compare("ds", smooth_gradient(scalar), check::complex_step(Smooth{}, scalar));
    CHECK(report.passed());
    CHECK(report.worst_entry() == "ds");
    CHECK(check::entry_name("db", {5}, 3) == "db[3]");
    CHECK(check::entry_name("dw", {2, 3, 4, 5}, 119) == "dw[1,2,3,4]");
}

TEST_CASE("a planted error just outside the tolerance is refused, one inside is accepted", "[check]") {
    const Tensor<double> numeric = check::complex_step(Smooth{}, the_point);
    double largest = 0;
    for (const double g : numeric) { largest = std::max(largest, std::abs(g)); }
    for (std::size_t i = 0; i < the_point.size(); ++i) {
        const double allowed = 1e-13 * largest + 1e-11 * std::abs(numeric.data()[i]);
        Tensor<double> analytic = numeric;
        analytic.data()[i] += 1.01 * allowed;
        const check::Report refused = check::compare("dx", analytic, numeric);
        CHECK_FALSE(refused.passed());
        CHECK(refused.wrong == 1);
        CHECK(refused.worst.front().position == i);
        analytic.data()[i] = numeric.data()[i] + 0.97 * allowed;
        CHECK(check::compare("dx", analytic, numeric).passed());
    }
}

TEST_CASE("an error of 1e-12 of the largest entry is refused where the entry is small", "[check]") {
    Tensor<double> numeric{1.0, 0.01};
    Tensor<double> analytic = numeric;
    analytic(1) += 1e-12;
    CHECK_FALSE(check::compare("dx", analytic, numeric).passed());
    Tensor<double> exact_zero{1.0, 0.0};
    analytic = exact_zero;
    analytic(1) = 2e-13;
    CHECK_FALSE(check::compare("dx", analytic, exact_zero).passed());
    analytic(1) = 0.5e-13;
    CHECK(check::compare("dx", analytic, exact_zero).passed());
}

TEST_CASE("what is not a number is refused, on either side", "[check]") {
    const Tensor<double> good{1.0, 2.0, 3.0};
    for (const double bad : {nan_value, infinity, -infinity}) {
        Tensor<double> broken = good;
        broken(1) = bad;
        const check::Report analytic = check::compare("dx", broken, good);
        CHECK_FALSE(analytic.passed());
        CHECK(contains(analytic.reason(), "dx[1]"));
        CHECK_FALSE(check::compare("dx", good, broken).passed());
        CHECK_FALSE(check::compare("dx", broken, broken).passed());
        CHECK_FALSE(check::compare("dx", broken, good, {1e300, 1e300}).passed());
        CHECK_FALSE(check::compare("dx", broken, good, check::complex_step_tolerance, check::Expect::zero).passed());
        // Not even at a kink.
        check::Differences differences{good, {{1, 0, 0, true}}, check::central_difference_tolerance};
        CHECK_FALSE(check::compare("dx", broken, differences).passed());
    }
}

TEST_CASE("a gradient that is zero everywhere is refused unless expected", "[check]") {
    const Tensor<double> zero = zeros<double>({2, 3});
    const Tensor<double> some = full<double>({2, 3}, 0.5);
    CHECK_FALSE(check::compare("dx", zero, zero).passed());
    CHECK(contains(check::compare("dx", zero, zero).reason(), "both gradients are zero everywhere"));
    CHECK(contains(check::compare("dx", zero, some).reason(), "the analytic gradient is zero everywhere"));
    CHECK_FALSE(check::compare("dx", zero, some).passed());
    CHECK_FALSE(check::compare("dx", some, zero).passed());
    CHECK(contains(check::compare("dx", some, zero).reason(), "does the function use its argument"));

    const auto tolerance = check::complex_step_tolerance;
    CHECK(check::compare("dx", zero, zero, tolerance, check::Expect::zero).passed());
    CHECK_FALSE(check::compare("dx", some, zero, tolerance, check::Expect::zero).passed());
    CHECK_FALSE(check::compare("dx", zero, some, tolerance, check::Expect::zero).passed());
    CHECK_FALSE(check::compare("dx", some, some, tolerance, check::Expect::zero).passed());
    Tensor<double> rounding = zero;
    rounding(1, 1) = 1e-16;
    CHECK(check::compare("dx", zero, rounding, tolerance, check::Expect::zero).passed());
}

TEST_CASE("nothing compared is refused", "[check]") {
    const Tensor<double> empty = zeros<double>({0, 3});
    CHECK(check::compare("dx", empty, empty).reason() == "nothing was compared: the tensor is empty");
    CHECK_FALSE(check::compare("dx", empty, empty, check::complex_step_tolerance, check::Expect::zero).passed());
    CHECK_FALSE(check::GradientCheck().passed());

    const Tensor<double> x{0.0, 0.0};
    const auto relu = [](const auto& u) { return check::weighted_sum(reference::relu_forward(u), full({2}, 1.0)); };
    const check::Differences numeric = check::central_difference(relu, x);
    CHECK(numeric.kinks.size() == 2);
    const check::Report report = check::compare("dx", Tensor<double>{1.0, 1.0}, numeric);
    CHECK_FALSE(report.passed());
    CHECK(contains(report.reason(), "nothing was compared"));
    CHECK_FALSE(check::compare("dx", zeros<double>({2}), numeric, check::Expect::zero).passed());
}

TEST_CASE("different shapes are refused, also if the entries are the same", "[check]") {
    Tensor<double> a = the_point;
    a.reshape(Shape{4, 3});
    const check::Report report = check::compare("dw", a, the_point);
    CHECK_FALSE(report.passed());
    CHECK(contains(report.reason(), "(4, 3)"));
    CHECK(contains(report.reason(), "(3, 4)"));
    CHECK(report.hint.empty());
    a.reshape(Shape{12});
    CHECK_FALSE(check::compare("dw", a, the_point).passed());
}

TEST_CASE("a step that makes no sense is refused", "[check]") {
    for (const double h : {0.0, -1e-5, nan_value, infinity}) {
        CHECK_THROWS_AS(check::complex_step(Smooth{}, the_point, h), ShapeError);
        CHECK_THROWS_AS(check::central_difference(Smooth{}, the_point, h), ShapeError);
    }
    CHECK_THROWS_AS(check::central_difference(Smooth{}, the_point, 1e-17), ShapeError);
    CHECK_THROWS_AS(check::central_difference(Smooth{}, Tensor<float>(the_point), 1e-9), ShapeError);
}

TEST_CASE("the report names the gradient, the worst entry, and both values", "[check]") {
    const Tensor<double> numeric = check::complex_step(Smooth{}, the_point);
    Tensor<double> analytic = numeric;
    analytic(2, 3) += 0.25;
    analytic(0, 1) += 1e-6;
    const check::Report report = check::compare("dw", analytic, numeric);
    CHECK(report.worst_entry() == "dw[2,3]");
    CHECK(report.worst.size() == 5);
    CHECK(report.wrong == 2);
    CHECK_THAT(report.max_absolute_error, WithinAbs(0.25, 1e-12));
    std::ostringstream text;
    text << report;
    CHECK(contains(text.str(), "dw (3, 4): FAILED, 2 of 12 entries"));
    CHECK(contains(text.str(), "dw[2,3]"));
    CHECK(contains(text.str(), "dw[0,1]"));
    CHECK(contains(text.str(), "2.5e-01"));
    CHECK(contains(to_string(check::compare("dw", numeric, numeric)), "dw (3, 4): passed, 12 entries compared"));
}

TEST_CASE("the table is sorted by error, errors that differ by rounding keep their order", "[check]") {
    const Tensor<double> numeric{1.0, 2.0, 4.0, 8.0, 16.0, 32.0};
    Tensor<double> analytic = numeric;
    analytic(1) += 0.1;
    analytic(3) += 0.1 * (1 + 1e-12); // a little more than entry 1
    analytic(4) -= 0.5;
    analytic(5) += 1e-12; // not wrong
    const check::Report report = check::compare("dx", analytic, numeric);
    CHECK(report.wrong == 3);
    const std::vector<std::size_t> order{4, 1, 3, 5, 0};
    REQUIRE(report.worst.size() == order.size());
    for (std::size_t i = 0; i < order.size(); ++i) { CHECK(report.worst[i].position == order[i]); }
}

TEST_CASE("the collector prints one table and passes only if all pass", "[check]") {
    const Tensor<double> w{{0.2, -0.4, 0.3}, {0.5, 0.1, -0.6}};
    const Tensor<double> b{0.1, -0.2, 0.05};
    const auto loss = [](const auto& w_, const auto& b_) {
        auto sum = b_(0) * b_(0);
        for (std::size_t i = 0; i < 2; ++i) {
            for (std::size_t k = 0; k < 3; ++k) { sum += w_(i, k) * w_(i, k) * b_(k); }
        }
        return sum;
    };
    Tensor<double> dw(w.shape());
    Tensor<double> db{2 * b(0), 0.0, 0.0};
    for (std::size_t i = 0; i < 2; ++i) {
        for (std::size_t k = 0; k < 3; ++k) {
            dw(i, k) = 2 * w(i, k) * b(k);
            db(k) += w(i, k) * w(i, k);
        }
    }
    check::GradientCheck checker;
    checker.wrt("w", w, dw, [&](const auto& w_) { return loss(w_, check::cast_like(w_, b)); });
    CHECK(checker.passed());
    checker.wrt("b", b, db, [&](const auto& b_) { return loss(check::cast_like(b_, w), b_); });
    CHECK(checker.passed());
    checker.wrt("b", b, Tensor<float>(db), [&](const auto& b_) { return loss(check::cast_like(b_, w), b_); });
    CHECK(checker.passed());
    db(1) += 1e-3;
    CHECK_FALSE(checker.wrt("b", b, db, [&](const auto& b_) { return loss(check::cast_like(b_, w), b_); }).passed());
    CHECK_FALSE(checker.passed());
    CHECK(checker.reports().size() == 4);
    const std::string text = to_string(checker);
    CHECK(contains(text, "dw        (2, 3)"));
    CHECK(contains(text, "FAILED"));
    CHECK(contains(text, "db[1]"));
}

TEST_CASE("a wrong gradient stops the program with its report and its hint", "[check]") {
    const Tensor<double> right = smooth_gradient(the_point);
    const Tensor<double> numeric = check::complex_step(Smooth{}, the_point);
    check::GradientCheck checker;
    checker.add(check::compare("dx", right, numeric));
    std::ostringstream nothing;
    check::require_passed(checker, nothing);
    CHECK(nothing.str().empty());

    checker.add(check::compare("dw", Tensor<double>(-right), numeric));
    checker.add(check::compare("db", Tensor<double>(5 * right), numeric));
    std::ostringstream reports;
    std::string message;
    try {
        check::require_passed(checker, reports);
    } catch (const std::runtime_error& error) { message = error.what(); }
    CHECK(message == "wrong gradients: dw, db (2 of 3 checked); see the reports above");
    CHECK(reports.str() == "\n" + to_string(checker.reports()[1]) + "\n" + to_string(checker.reports()[2]));
    CHECK(contains(reports.str(), "hint: every entry is 5 times too large"));
    CHECK(to_string(checker) == check::table(checker) + reports.str());
}

TEST_CASE("a program that was to check gradients and checked none is stopped as well", "[check]") {
    std::ostringstream reports;
    CHECK_THROWS_AS(check::require_passed(check::GradientCheck(), reports), std::runtime_error);
    CHECK(reports.str().empty());
}

TEST_CASE("weighted_sum turns a tensor into a function whose gradient is the weights", "[check]") {
    const Tensor<double> dy{{1.5, -2.0}, {0.25, 3.0}};
    const auto f = [&](const auto& y) { return check::weighted_sum(y, dy); };
    const Tensor<double> y{{0.1, 0.2}, {0.3, 0.4}};
    CHECK_THAT(f(y), WithinRel(0.1 * 1.5 - 0.2 * 2.0 + 0.3 * 0.25 + 0.4 * 3.0, 1e-15));
    CHECK(check::compare("dy", dy, check::complex_step(f, y)).passed());
    CHECK(check::compare("dy", dy, check::central_difference(f, y)).passed());
    CHECK_THROWS_AS(check::weighted_sum(y, Tensor<double>{1.0, 2.0, 3.0, 4.0}), ShapeError);
}
