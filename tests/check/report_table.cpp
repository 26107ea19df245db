// The text of a report, word by word.

#include <limits>
#include <sstream>

#include "catch.hpp"
#include "handgrad/check/central_difference.hpp"
#include "handgrad/check/exercise.hpp"
#include "handgrad/check/report.hpp"
#include "handgrad/error.hpp"

using namespace handgrad;

TEST_CASE("a failed report's table has the analytic gradient on the left and the numeric one on the right", "[check]") {
    const Tensor<double> analytic{1.0, 2.5, 3.0}, numeric{1.0, 2.0, 3.0};
    const std::string text = to_string(check::compare("dx", analytic, numeric, {1e-6, 1e-3}));
    CHECK(text == "dx (3,): FAILED, 1 of 3 entries differ by more than the tolerance allows\n"
                  "  required: |analytic - numeric| <= 1e-06 max|numeric| + 0.001 |numeric|\n"
                  "  entry         analytic          numeric     error  relative\n"
                  "  dx[1]   2.50000000e+00   2.00000000e+00   5.0e-01   2.0e-01\n"
                  "  dx[0]   1.00000000e+00   1.00000000e+00   0.0e+00   0.0e+00\n"
                  "  dx[2]   3.00000000e+00   3.00000000e+00   0.0e+00   0.0e+00\n");
}

TEST_CASE("every line of an exercise's fault is indented, and no exercise at all is no success", "[check]") {
    check::Exercises exercises;
    std::ostringstream out, errors;
    CHECK(exercises.run({}, out, errors) == 1);
    exercises.add("1.1", "wrong", "wrong.hpp", [](check::Exercise& e) {
        e.value("y", Tensor<double>{1.0, 2.0}, Tensor<double>{1.0, 3.0});
    });
    CHECK(exercises.run({}, out, errors) == 1);
    CHECK(out.str().find("\n  y has shape (2,): 1 of 2 entries are wrong\n"
                         "    entry             got        expected     error\n"
                         "    y[1]                2               3   1.0e+00\n"
                         "    y[0]                1               1   0.0e+00\n") != std::string::npos);
}

TEST_CASE("an entry that agrees exceeds nothing, also where nothing is allowed", "[check]") {
    const check::Report report = check::compare("dx", Tensor<double>{1.0, 3.0}, Tensor<double>{1.0, 2.0}, {0, 0});
    REQUIRE(report.worst.size() == 2);
    CHECK(report.worst[0].position == 1);
    CHECK(report.worst[0].excess == std::numeric_limits<double>::infinity());
    CHECK(report.worst[1].excess == 0);
}

TEST_CASE("a step that is lost to one side only is refused, too", "[check]") {
    const auto f = [](const Tensor<double>& x) { return x(0); };
    for (const double x : {0x1p53, -0x1p53}) { // one of x + 1 and x - 1 is rounded to x
        CHECK_THROWS_AS(check::central_difference(f, Tensor<double>{x}, 1.0), ShapeError);
        CHECK_NOTHROW(check::central_difference(f, Tensor<double>{x}, 2.0));
    }
}
