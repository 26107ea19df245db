// Corners within the step: found exactly by tracing comparisons, suspected from one-sided differences otherwise.
#include "catch.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "handgrad/backends/reference.hpp"
#include "handgrad/check/check.hpp"

using namespace handgrad;
using Catch::Matchers::WithinAbs;
using check::Traced;

namespace {

constexpr double probe_step = 1e-5;
const Tensor<double> upstream{1.0, -2.0, 0.5, 3.0, 1.5, -1.0, 0.75};
// ReLU's corner is within the step for entries 1 (at the corner), 3 (half a step above) and 4 (half a step below).
const Tensor<double> around_zero{
    1.0, 0.0, -1.0, 0.5 * probe_step, -0.5 * probe_step, 1.5 * probe_step, -1.5 * probe_step};

const auto traceable = [](const auto& x) { return check::weighted_sum(reference::relu_forward(x), upstream); };
const auto only_double = [](const Tensor<double>& x) { return traceable(x); };

std::vector<std::size_t> positions(const std::vector<check::Kink>& kinks) {
    std::vector<std::size_t> result;
    for (const check::Kink& kink : kinks) { result.push_back(kink.entry); }
    return result;
}

} // namespace

TEST_CASE("kinks of relu are found exactly, listed, and not compared", "[check]") {
    const check::Differences numeric = check::central_difference(traceable, around_zero);
    CHECK(positions(numeric.kinks) == std::vector<std::size_t>{1, 3, 4});
    CHECK(std::all_of(numeric.kinks.begin(), numeric.kinks.end(), [](const auto& kink) { return kink.certain; }));
    // At x = probe_step/2 with upstream 3: left slope 3 * 0.5, right slope 3.
    CHECK_THAT(numeric.kinks[1].left, WithinAbs(1.5, 1e-9));
    CHECK_THAT(numeric.kinks[1].right, WithinAbs(3.0, 1e-9));

    const Tensor<double> analytic = reference::relu_backward(around_zero, upstream);
    const check::Report report = check::compare("dx", analytic, numeric);
    INFO(report);
    CHECK(report.passed());
    CHECK(report.compared == 4);
    CHECK(to_string(report).find("3 kinks not compared") != std::string::npos);
    CHECK(to_string(report).find("dx[3]: slope 1.5 to the left, 3 to the right") != std::string::npos);

    // Errors beside the kinks are still found.
    Tensor<double> wrong = analytic;
    wrong(5) = 0;
    CHECK_FALSE(check::compare("dx", wrong, numeric).passed());
}

TEST_CASE("without tracing, the same kinks are suspected from the one-sided differences", "[check]") {
    const check::Differences numeric = check::central_difference(only_double, around_zero);
    CHECK(positions(numeric.kinks) == std::vector<std::size_t>{1, 3, 4});
    CHECK(std::none_of(numeric.kinks.begin(), numeric.kinks.end(), [](const auto& kink) { return kink.certain; }));
    const check::Report report = check::compare("dx", reference::relu_backward(around_zero, upstream), numeric);
    CHECK(report.passed());
    CHECK(to_string(report).find("3 possible kinks not compared") != std::string::npos);
}

TEST_CASE("smooth functions have no kinks, traced or not, also where the gradient is small", "[check]") {
    const Tensor<double> x{0.0, 1e-4, 0.3, -2.0, 1.0};
    const auto smooth = [](const auto& u) {
        using std::exp;
        auto sum = exp(u(0)) + u(1) * u(1);
        sum += u(2) * u(3) + exp(u(4)) * u(2);
        return sum;
    };
    CHECK(check::central_difference(smooth, x).kinks.empty());
    CHECK(check::central_difference([&](const Tensor<double>& u) { return smooth(u); }, x).kinks.empty());
    CHECK(check::central_difference([&](const Tensor<float>& u) { return smooth(u); }, Tensor<float>(x)).kinks.empty());
}

TEST_CASE("the rounding of a large loss is not taken for a kink", "[check]") {
    const auto large = [](const Tensor<double>& x) { return 1e6 + x(0) * x(0) + x(1) * x(1); };
    const check::Differences numeric = check::central_difference(large, Tensor<double>{1e-3, -2e-3});
    CHECK(numeric.gradient(0) != 2e-3); // the rounding is there
    CHECK(numeric.kinks.empty());
}

TEST_CASE("the maximum that log-sum-exp subtracts is no kink", "[check]") {
    const Tensor<double> z{{0.5, 0.5, 0.5},
                           {1.0, 1.0 + 0.5 * probe_step, -1.0}}; // the largest entry changes within the step
    const Labels y{2, 0};
    const auto loss = [&](const auto& z_) { return reference::cross_entropy_forward(z_, y); };
    const check::Differences numeric = check::central_difference(loss, z);
    CHECK(numeric.kinks.empty());
    const Tensor<double> analytic = reference::cross_entropy_backward(reference::softmax_forward(z), y);
    CHECK(check::compare("dz", analytic, numeric).passed());
    CHECK(check::compare("dz", analytic, check::complex_step(loss, z)).passed());
}

TEST_CASE("a winner that changes within the step is a kink", "[check]") {
    const auto largest = [](const auto& x) { // as a max-pool finds it
        std::size_t best = 0;
        for (std::size_t i = 1; i < x.size(); ++i) {
            if (is_greater(x(i), x(best))) { best = i; }
        }
        return x(best) * x(best);
    };
    const auto by_operator = [](const auto& x) { return x(0) < x(1) ? x(1) : x(0); };
    const Tensor<double> close{1.0, 1.0 + 0.5 * probe_step, 0.2};
    const Tensor<double> apart{1.0, 1.1, 0.2};
    CHECK(positions(check::central_difference(largest, close).kinks) == std::vector<std::size_t>{0, 1});
    CHECK(check::central_difference(largest, apart).kinks.empty());
    CHECK(positions(check::central_difference(by_operator, close).kinks) == std::vector<std::size_t>{0, 1});
}

TEST_CASE("kinks deep inside a network belong to the weights that move the pre-activation", "[check]") {
    // z = x w + b of shape (1, 3); z(0, 1) = 0.3 probe_step, so a step in w(0,1), w(1,1) or b(1) may cross 0.
    const Tensor<double> x{{1.0, 0.2}};
    const Tensor<double> w{{0.5, 0.25, -0.5}, {0.1, -0.75, 0.4}};
    Tensor<double> b{0.1, 0.0, 0.2};
    b(1) = 0.3 * probe_step - (x(0, 0) * w(0, 1) + x(0, 1) * w(1, 1));
    const Tensor<double> dy{{1.0, 2.0, 3.0}};
    const auto f = [&](const auto& w_) {
        const auto z = reference::linear_forward(check::cast_like(w_, x), w_, check::cast_like(w_, b));
        return check::weighted_sum(reference::relu_forward(z), dy);
    };
    // w(0,1) moves z by probe_step > 0.3 probe_step: kink. w(1,1) moves it by 0.2 probe_step: none.
    CHECK(positions(check::central_difference(f, w).kinks) == std::vector<std::size_t>{1});
}

TEST_CASE("a traced scalar computes as its number does", "[check]") {
    const Traced a = 0.75;
    const Traced b = 2;
    CHECK((a + b * 3 - 1 / b).value() == 0.75 + 6 - 0.5);
    CHECK((-a).value() == -0.75);
    CHECK(exp(a).value() == std::exp(0.75));
    CHECK(log(a).value() == std::log(0.75));
    CHECK(tanh(a).value() == std::tanh(0.75));
    CHECK(sqrt(b).value() == std::sqrt(2.0));
    CHECK(abs(-a).value() == 0.75);
    CHECK(pow(b, 3).value() == 8);
    CHECK(std::max(a, b).value() == 2);
    CHECK(std::numeric_limits<Traced>::max() == std::numeric_limits<double>::max());
    // xtensor's expressions work on it.
    const Tensor<Traced> x{1.0, 2.0, 3.0};
    const Tensor<Traced> y = x * x + 1.0;
    CHECK(y(2).value() == 10);
    CHECK(Traced(xt::sum(x)()).value() == 6);
    const Tensor<Traced> e = xt::exp(x);
    CHECK(e(1).value() == std::exp(2.0));
}

TEST_CASE("decisions tell outcomes and their order apart, and value_of leaves no trace", "[check]") {
    const auto digest = [](auto&&... outcomes) {
        check::Decisions::restart();
        (check::Decisions::note(outcomes), ...);
        return check::Decisions::digest();
    };
    CHECK(digest(true, false) == digest(true, false));
    CHECK(digest(true, false) != digest(false, true));
    CHECK(digest(true) != digest(true, true));
    CHECK(digest(false) != digest(false, false));
    CHECK(digest() != digest(false));

    check::Decisions::restart();
    const auto before = check::Decisions::digest();
    CHECK(value_of(Traced(1)) > value_of(Traced(0)));
    CHECK(check::Decisions::digest() == before);
    CHECK(Traced(1) > Traced(0));
    CHECK(check::Decisions::digest() != before);
}
