// The causes that the checker recognises, and that it stays silent where there is no pattern.
#include "catch.hpp"

#include <string>

#include "handgrad/check/check.hpp"

using namespace handgrad;

namespace {

const Tensor<double> right_gradient{{0.3, -0.7, 1.1}, {-0.2, 0.5, -1.3}, {0.6, 1.7, -0.4}};

std::string hint_for(const Tensor<double>& analytic) {
    const check::Report report = check::compare("dw", analytic, right_gradient);
    REQUIRE_FALSE(report.passed());
    if (!report.hint.empty()) { CHECK(to_string(report).find("hint: " + report.hint) != std::string::npos); }
    return report.hint;
}

Tensor<double> times(double factor) { return right_gradient * factor; }

} // namespace

TEST_CASE("a constant factor is recognised, and the usual ones explained", "[check]") {
    CHECK(hint_for(times(-1)) == "every entry has the wrong sign");
    CHECK(hint_for(times(64)) == "every entry is 64 times too large: is the mean over the batch missing?");
    CHECK(hint_for(times(1 / 64.0)) == "every entry is 64 times too small: has the batch been averaged twice?");
    CHECK(hint_for(times(2)).find("a factor 1/2 missing") != std::string::npos);
    CHECK(hint_for(times(0.5)).find("a factor 2 missing") != std::string::npos);
    CHECK(hint_for(times(1.25)) == "every entry is 1.25 times the numeric one: a constant factor is wrong");
    CHECK(hint_for(times(-3)).find("-3 times") != std::string::npos);
    // Rounding does not hide the factor.
    Tensor<double> rounded = times(64);
    rounded(1, 1) *= 1 + 1e-11;
    CHECK(hint_for(rounded).find("64 times too large") != std::string::npos);
    // One entry out of line does.
    rounded(1, 1) *= 1 + 1e-6;
    CHECK(hint_for(rounded).empty());
}

TEST_CASE("a factor is recognised in float, too", "[check]") {
    const Tensor<float> analytic(times(7));
    CHECK(check::compare("dw", analytic, right_gradient).hint.find("7 times too large") != std::string::npos);
}

TEST_CASE("a transpose is recognised, square or not", "[check]") {
    CHECK(hint_for(xt::transpose(right_gradient)) == "the analytic gradient is the transpose of the numeric one");
    const Tensor<double> wide{{1.0, 2.0, 3.0}, {4.0, 5.0, 6.0}};
    const Tensor<double> tall{{1.0, 4.0}, {2.0, 5.0}, {3.0, 6.0}};
    CHECK(check::compare("dw", tall, wide).hint == "the analytic gradient is the transpose of the numeric one");
}

TEST_CASE("a wrong mask is recognised by its zeros", "[check]") {
    Tensor<double> analytic = right_gradient;
    analytic(0, 1) = analytic(2, 2) = 0;
    CHECK(hint_for(analytic).find("all 2 wrong entries are zero and should not be") == 0);

    Tensor<double> masked = right_gradient;
    masked(0, 1) = masked(2, 2) = 0;
    CHECK(check::compare("dz", right_gradient, masked).hint.find("all 2 wrong entries should be zero") == 0);
    analytic = masked;
    analytic(2, 2) = 0.4;
    analytic(1, 0) = 0;
    CHECK(check::compare("dz", analytic, masked).hint.find("1 entries are zero and should not be, 1 should be") == 0);
}

TEST_CASE("errors in one row or column only are pointed out", "[check]") {
    Tensor<double> analytic = right_gradient;
    analytic(0, 2) += 0.1;
    analytic(1, 2) -= 0.3;
    CHECK(hint_for(analytic) == "all 2 wrong entries are in column 2");
    analytic = right_gradient;
    analytic(1, 0) += 0.1;
    analytic(1, 2) -= 0.3;
    CHECK(hint_for(analytic) == "all 2 wrong entries are in row 1");
}

TEST_CASE("errors without a pattern get no hint", "[check]") {
    Tensor<double> analytic = right_gradient;
    analytic(0, 2) += 0.1;
    analytic(1, 1) -= 0.3;
    CHECK(hint_for(analytic).empty());
    analytic = right_gradient;
    analytic(2, 0) += 0.1;
    CHECK(hint_for(analytic).empty());
}

TEST_CASE("a wrong factor of the penalty is recognised by the collector, which knows the weight", "[check]") {
    const Tensor<double> w{{0.2, -0.4, 0.3}, {0.5, 0.1, -0.6}};
    const auto loss = [](const auto& w_) { // sum of w^3 / 3 plus the penalty 0.05 sum of w^2
        auto sum = w_(0, 0) - w_(0, 0);
        for (std::size_t i = 0; i < 6; ++i) {
            const auto u = w_.data()[i];
            sum += u * u * u / 3.0 + 0.05 * u * u;
        }
        return sum;
    };
    const auto gradient = [&](double lambda) { return Tensor<double>(w * w + lambda * w); };
    check::GradientCheck checker;
    CHECK(checker.wrt("w", w, gradient(0.1), loss).passed());
    CHECK(checker.wrt("w", w, gradient(0.2), loss).hint ==
          "analytic - numeric = 0.1 w in every entry: is the factor of the weight penalty right?");
    CHECK(checker.wrt("w", w, gradient(0.0), loss).hint.find("analytic - numeric = -0.1 w") == 0);
}
