// The causes that the checker recognises, and that it stays silent where there is no pattern.
#include "catch.hpp"

#include <cmath>
#include <string>

#include "handgrad/check/check.hpp"

using namespace handgrad;

namespace {

const Tensor<double> right_gradient{{0.3, -0.7, 1.1}, {-0.2, 0.5, -1.3}, {0.6, 1.7, -0.4}};

std::string hint_for(const Tensor<double>& analytic, const check::HintContext& context = {}) {
    const check::Report report = check::compare("dw", analytic, right_gradient, context);
    REQUIRE_FALSE(report.passed());
    if (!report.hint.empty()) { CHECK(to_string(report).find("hint: " + report.hint) != std::string::npos); }
    return report.hint;
}

Tensor<double> times(double factor) { return right_gradient * factor; }

} // namespace

TEST_CASE("a constant factor is recognised, and the usual ones explained", "[check]") {
    CHECK(hint_for(times(-1)) == "every entry has the wrong sign");
    CHECK(hint_for(times(64)) == "every entry is 64 times too large: is a factor 1/64 missing?");
    CHECK(hint_for(times(1 / 64.0)) == "every entry is 64 times too small: is a factor 64 missing?");
    CHECK(hint_for(times(2)) == "every entry is 2 times too large: is a factor 1/2 missing?");
    CHECK(hint_for(times(0.5)).find("a factor 2 missing, from a square") != std::string::npos);
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

TEST_CASE("a factor is an integer up to 1e9, and needs two entries that are not tiny", "[check]") {
    CHECK(hint_for(times(1e9)).find("1000000000 times too large") != std::string::npos);
    CHECK(hint_for(times(1e9 + 64)) == "every entry is 1e+09 times the numeric one: a constant factor is wrong");
    CHECK(hint_for(times(1.5)).find("1.5 times the numeric one") != std::string::npos);
    const auto doubled = [](const Tensor<double>& c) {
        return check::compare("dw", Tensor<double>(c * 2.0), c).hint.find("2 times too large") != std::string::npos;
    };
    CHECK(doubled({1.0, 2e-3, 0.0}));
    CHECK_FALSE(doubled({1.0, 5e-4, 0.0}));
    CHECK_FALSE(doubled({1.0, 0.0, 0.0}));
    CHECK_FALSE(doubled({1.0}));
    CHECK(doubled({1.0, -1.0}));
}

TEST_CASE("a hint asks about the batch only if N is the factor, and names what else equals it", "[check]") {
    check::HintContext context;
    context.extents = {{"N", 2}, {"C", 3}, {"K", 5}, {"H", 5}};
    CHECK(hint_for(times(2), context) ==
          "every entry is 2 times too large, and N = 2: is the mean over the batch missing?");
    CHECK(hint_for(times(0.5), context) ==
          "every entry is 2 times too small, and N = 2: has the batch been averaged twice?");
    CHECK(hint_for(times(3), context) ==
          "every entry is 3 times too large, and C = 3: is a sum over C in the wrong loop, or a mean over C missing?");
    CHECK(hint_for(times(1 / 3.0), context).find("too small, and C = 3: has something been divided by C too often") !=
          std::string::npos);
    CHECK(hint_for(times(5), context).find("and K = H = 5: is a sum over K in the wrong loop") != std::string::npos);
    CHECK(hint_for(times(4), context) == "every entry is 4 times too large: is a factor 1/4 missing?");
    context.extents[0].second = 5;
    CHECK(hint_for(times(5), context) ==
          "every entry is 5 times too large, and N = K = H = 5: is the mean over the batch "
          "missing, or is the error in a sum over K?");
    for (const double factor : {2.0, 3.0, 4.0, 1 / 3.0}) {
        CHECK(hint_for(times(factor), context).find("batch") == std::string::npos);
    }
}

TEST_CASE("a factor that is 1 but for a few digits is no factor", "[check]") {
    const auto some_digits = "is right to";
    for (const double error : {1e-5, 3e-6, 1e-8}) {
        // Other tolerances find other errors; none of them is a factor.
        for (const check::Tolerance tolerance :
             {check::complex_step_tolerance, check::Tolerance{1e-9, 1e-6}, check::Tolerance{1e-10, 0}}) {
            const check::Report report = check::compare("dw", times(1 + error), right_gradient, tolerance);
            if (report.passed()) { continue; }
            CHECK(report.hint.find("times") == std::string::npos);
            CHECK(report.hint.find(some_digits) != std::string::npos);
        }
    }
    CHECK(hint_for(times(1 + 2e-8)).find("every entry is right to 7 digits: is a small number") == 0);
    // An error of 1 percent has a factor as its cause.
    CHECK(hint_for(times(1.01)) == "every entry is 1.01 times the numeric one: a constant factor is wrong");
    // If one entry is further away than the others, digits say nothing.
    Tensor<double> one = times(1 + 1e-6);
    one(0, 0) += 0.1;
    CHECK(hint_for(one).empty());
}

TEST_CASE("x not restored after a difference is not called a factor", "[check]") {
    const Tensor<double> x{0.7, -0.4, 1.2};
    const auto f = [](const Tensor<double>& v) { return std::exp(v(0) * v(1)) + v(1) * v(2) / v(0); };
    const auto differences = [&](bool restore) {
        Tensor<double> moved = x, g = zeros<double>(x.shape());
        for (std::size_t i = 0; i < x.size(); ++i) {
            moved(i) = x(i) + 1e-5;
            const double above = f(moved);
            moved(i) = x(i) - 1e-5;
            const double below = f(moved);
            if (restore) { moved(i) = x(i); }
            g(i) = (above - below) / 2e-5;
        }
        return g;
    };
    const check::Report report =
        check::compare("g", differences(false), differences(true), check::central_difference_tolerance);
    REQUIRE_FALSE(report.passed());
    CHECK(report.hint.find(
              "every entry is right to 4 digits: is a small number (a step, an eps) in the wrong place or not "
              "undone") == 0);
}

TEST_CASE("an eps inside the root of Adam is not called a factor", "[check]") {
    Tensor<double> inside = right_gradient, outside = right_gradient;
    for (std::size_t i = 0; i < inside.size(); ++i) {
        const double g = right_gradient.data()[i];
        inside.data()[i] = g / std::sqrt(g * g + 1e-8);
        outside.data()[i] = g / (std::sqrt(g * g) + 1e-8);
    }
    const check::Report report = check::compare("p", inside, outside);
    REQUIRE_FALSE(report.passed());
    CHECK(report.hint.find("times") == std::string::npos);
    CHECK(report.hint.find("digits: is a small number (a step, an eps) in the wrong place") != std::string::npos);
}

TEST_CASE("a constant difference is recognised", "[check]") {
    CHECK(hint_for(right_gradient + 0.25) == "analytic - numeric = 0.25 in every entry: is a constant term added that "
                                             "should not be, or subtracted too little?");
    CHECK(hint_for(right_gradient - 0.5).find("analytic - numeric = -0.5 in every entry: is a constant term missing") ==
          0);
    Tensor<double> one = right_gradient + 0.25;
    one(1, 1) += 1e-3;
    CHECK(hint_for(one).empty());
    // Two entries are no pattern, three are; and a difference within the tolerance of a pattern is none.
    const auto hint = [](const Tensor<double>& a, const Tensor<double>& c, check::Tolerance tolerance) {
        return check::compare("dw", a, c, tolerance).hint;
    };
    CHECK(hint({1.5, 0.5}, {1.0, 0.0}, check::complex_step_tolerance).find("constant term") == std::string::npos);
    CHECK(hint({1.5, 0.5, 1.5}, {1.0, 0.0, 1.0}, check::complex_step_tolerance).find("constant term") !=
          std::string::npos);
    const check::Tolerance loose{0, 1}; // of a pattern: 1e-3
    CHECK(hint({1e-3, 1e-3, 1.001}, {0.0, 0.0, 1.0}, loose).find("constant term") == std::string::npos);
    CHECK(hint({1.1e-3, 1.1e-3, 1.0011}, {0.0, 0.0, 1.0}, loose).find("constant term") != std::string::npos);
}

TEST_CASE("an input that is missing or superfluous is named", "[check]") {
    const Tensor<double> c{{1.0, -2.0, 3.0}, {0.5, 4.0, -1.0}}, dy{{2.0, 4.0, 0.5}, {-1.0, 8.0, 2.0}};
    check::HintContext context;
    context.inputs = {{"x", Tensor<double>{1.0, 2.0, 3.0}}, {"ones", full<double>({2, 3}, 1.0)}, {"dy", dy}};
    const auto hint = [&](const Tensor<double>& a) { return check::compare("dx", a, c, context).hint; };
    CHECK(hint(dy) == "the analytic gradient is a copy of dy");
    CHECK(hint(c / dy) == "every entry lacks the factor dy");
    CHECK(hint(c * dy) == "every entry has the factor dy once too often");
    CHECK(hint(c - dy) == "every entry lacks the term dy");
    CHECK(hint(c + dy) == "every entry has the term dy once too often");
    CHECK(hint(c + 2.0 * dy).empty());
    // A constant, a tensor of another shape and two entries are no pattern.
    CHECK(hint(c * 3.0).find("3 times too large") != std::string::npos);
    context.inputs = {{"x", Tensor<double>{5.0, 7.0}}};
    CHECK(check::compare("dx", Tensor<double>{5.0, 14.0}, Tensor<double>{1.0, 2.0}, context).hint.empty());
    context.inputs = {{"x", Tensor<double>{5.0, 7.0, 5.0}}};
    CHECK(check::compare("dx", Tensor<double>{5.0, 14.0, 15.0}, Tensor<double>{1.0, 2.0, 3.0}, context).hint ==
          "every entry has the factor x once too often");
}

TEST_CASE("two axes that are exchanged are named", "[check]") {
    Tensor<double> c = zeros<double>({2, 3, 3});
    for (std::size_t i = 0; i < c.size(); ++i) { c.data()[i] = static_cast<double>((i * 7) % 18) - 4.5; }
    CHECK(check::compare("dw", Tensor<double>(xt::transpose(c, {0, 2, 1})), c).hint ==
          "the analytic gradient is the numeric one with axes 1 and 2 exchanged: are two indices swapped?");
    Tensor<double> square = zeros<double>({2, 2, 2});
    for (std::size_t i = 0; i < 8; ++i) { square.data()[i] = static_cast<double>((i * 3) % 8) + 1; }
    CHECK(check::compare("dw", Tensor<double>(xt::transpose(square, {2, 1, 0})), square)
              .hint.find("axes 0 and 2 exchanged") != std::string::npos);
}

TEST_CASE("a result of which only the first or the last row, column or entry is wrong", "[check]") {
    Tensor<double> row = right_gradient;
    for (std::size_t j = 0; j < 3; ++j) { row(2, j) = 0; } // never written
    CHECK(hint_for(row) == "only the last row is wrong: does a loop end one turn too early?");
    Tensor<double> column = right_gradient;
    for (std::size_t i = 0; i < 3; ++i) { column(i, 0) = 5.0 + static_cast<double>(i * i); }
    CHECK(hint_for(column) == "only the first column is wrong: does a loop begin at 1 instead of 0?");
    column(1, 0) = right_gradient(1, 0); // not all of it
    CHECK(hint_for(column) == "all 2 wrong entries are in column 0");
    Tensor<double> cube = full<double>({2, 3, 2}, 1.5), other = cube;
    for (std::size_t i = 0; i < cube.size(); ++i) {
        cube.data()[i] += static_cast<double>(i);
        other.data()[i] = cube.data()[i] + (i / 2 % 3 == 2 ? 0.1 * static_cast<double>(i + 1) : 0);
    }
    CHECK(check::compare("p", other, cube).hint.find("only index 2 of axis 1 is wrong") == 0);
    const Tensor<double> two{1.0, 2.0}; // half of it is no end
    CHECK(check::compare("p", Tensor<double>{1.0, 3.0}, two).hint.empty());
}

TEST_CASE("errors in the entries of the true classes only are recognised if the labels are known", "[check]") {
    Tensor<double> analytic = right_gradient;
    analytic(0, 2) += 1;
    analytic(1, 0) += 1;
    analytic(2, 1) += 1;
    check::HintContext context;
    CHECK(hint_for(analytic, context).empty());
    context.labels = {2, 0, 1};
    CHECK(hint_for(analytic, context).find("only the entries of the true classes are wrong, one in each row") == 0);
    context.labels = {2, 0, 2};
    CHECK(hint_for(analytic, context).empty());
    context.labels = {2, 0};
    CHECK(hint_for(analytic, context).empty());
}

TEST_CASE("a result of which only the last row, column or entry is right", "[check]") {
    Tensor<double> row = right_gradient;
    for (const std::size_t i : {0, 1}) {
        for (std::size_t j = 0; j < 3; ++j) { row(i, j) += 0.1 + static_cast<double>(i + 2 * j); }
    }
    CHECK(hint_for(row).find("only the last row is right: does each turn of a loop overwrite") == 0);
    Tensor<double> column = right_gradient;
    for (std::size_t i = 0; i < 3; ++i) {
        for (const std::size_t j : {0, 1}) { column(i, j) += 0.1 + static_cast<double>(i + 2 * j); }
    }
    CHECK(hint_for(column).find("only the last column is right") == 0);
    column(2, 2) += 1;
    CHECK(hint_for(column).empty());
    const Tensor<double> vector{1.0, 2.0, 3.0, 4.0};
    CHECK(check::compare("p", Tensor<double>{0.5, 7.0, 1.0, 4.0}, vector).hint.find("only the last entry is right") ==
          0);
    Tensor<double> cube = full<double>({2, 3, 2}, 1.5), other = cube;
    for (std::size_t i = 0; i < cube.size(); ++i) {
        cube.data()[i] += static_cast<double>(i);
        const bool last = i / 2 % 3 == 2;
        other.data()[i] = cube.data()[i] + (last ? 0 : 0.1 * static_cast<double>(i + 1));
    }
    CHECK(check::compare("p", other, cube).hint.find("only index 2 of axis 1 is right") == 0);
}

TEST_CASE("a flipped kernel is recognised", "[check]") {
    const Tensor<double> dw{{{1.0, 2.0, -3.0}, {4.0, 0.5, 6.0}}, {{-1.0, 0.25, 3.5}, {7.0, 8.0, 9.0}}};
    const auto flipped = [&](bool both) {
        Tensor<double> result = dw;
        for (std::size_t k = 0; k < 2; ++k) {
            for (std::size_t r = 0; r < 2; ++r) {
                for (std::size_t s = 0; s < 3; ++s) { result(k, r, s) = dw(k, both ? 1 - r : r, 2 - s); }
            }
        }
        return result;
    };
    CHECK(check::compare("dw", flipped(true), dw).hint ==
          "the analytic gradient is the numeric one with the last two axes in reverse order: is a kernel flipped?");
    CHECK(check::compare("dw", flipped(false), dw).hint.find("with the last axis in reverse order") !=
          std::string::npos);
    Tensor<double> almost = flipped(true);
    almost(0, 0, 0) += 1e-3;
    CHECK(check::compare("dw", almost, dw).hint.find("reverse") == std::string::npos);
}

TEST_CASE("a known mistake has its own hint, which comes before all others", "[check]") {
    const Tensor<double> x{0.3, -0.8, 1.4, 0.6};
    const Tensor<double> y = xt::tanh(x);
    const Tensor<double> right_dx = 1 - y * y, y_for_x = 1 - xt::square(xt::tanh(y)); // as if y went through tanh again
    check::HintContext context;
    CHECK(check::compare("dx", y_for_x, right_dx, context).hint.empty());
    context.mistakes.push_back({times(2), "another shape"});
    context.mistakes.push_back({y_for_x, "y was taken for x"});
    CHECK(check::compare("dx", y_for_x, right_dx, context).hint == "y was taken for x");
    CHECK(check::compare("dx", right_dx * 2.0, right_dx, context).hint.find("2 times too large") != std::string::npos);
    CHECK(check::compare("dx", right_dx, right_dx, context).passed());
    CHECK(hint_for(times(2), context) == "another shape");
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
