// The frame of the programs that mark exercises: what passes, what fails and how it says so, and the exit status.
#include "catch.hpp"

#include <fstream>
#include <limits>
#include <sstream>
#include <stdexcept>

#include <nlohmann/json.hpp>

#include "handgrad/check/exercise.hpp"
#include "support/temporary_folder.hpp"

using namespace handgrad;
using check::Exercise;

namespace {

struct Outcome {
    int status;
    std::string out, errors;
    bool says(const std::string& text) const { return out.find(text) != std::string::npos; }
};

Outcome run(const check::Exercises& exercises, const std::vector<std::string>& arguments = {}) {
    std::ostringstream out, errors;
    const int status = exercises.run(arguments, out, errors);
    return {status, out.str(), errors.str()};
}

/// One exercise, the gradient of sum of x_i^3, with the result of `answer`.
template <class F> check::Exercises cubes(const F& answer) {
    check::Exercises exercises;
    exercises.add("05.4", "cubes_backward", "cubes.hpp", [answer](Exercise& exercise) {
        const Tensor<double> x{{1.0, -2.0, 3.0}, {0.5, -0.25, 2.0}};
        exercise.gradient("x", x, answer(x), [](const auto& x_) {
            auto sum = x_(0, 0) - x_(0, 0);
            for (const auto& v : x_) { sum += v * v * v; }
            return sum;
        });
    });
    return exercises;
}

Tensor<double> right(const Tensor<double>& x) { return 3.0 * x * x; }

} // namespace

TEST_CASE("a right answer passes", "[check]") {
    const Outcome outcome = run(cubes(right));
    CHECK(outcome.status == 0);
    CHECK(outcome.says("1 of 1 exercises passed"));
}

TEST_CASE("a wrong answer fails, with the worst entry, what was expected, and a hint", "[check]") {
    const Outcome outcome = run(cubes([](const auto& x) { return Tensor<double>(6.0 * x * x); }));
    CHECK(outcome.status == 1);
    CHECK(outcome.says("dx has shape (2, 3): 6 of 6 entries are wrong"));
    CHECK(outcome.says("dx[0,2]              54              27"));
    CHECK(outcome.says("hint: every entry is 2 times too large"));
    CHECK(outcome.says("to fix in exercises/cubes.hpp"));
    CHECK(outcome.says("0 of 1 exercises passed"));

    // In words that fit a result which is no gradient.
    const Outcome transposed = run(cubes([](const auto& x) { return Tensor<double>(xt::transpose(right(x))); }));
    CHECK(transposed.says("dx: the result has shape (3, 2), the expected one (2, 3)"));
    CHECK(transposed.says("hint: the result is the transpose of the expected one"));
    CHECK(run(cubes([](const auto& x) { return zeros<double>(x.shape()); })).says("nothing but zeros"));
}

TEST_CASE("values and requirements count like gradients, and no more than two faults are shown", "[check]") {
    check::Exercises exercises;
    exercises.add("1.1", "good", "good.hpp", [](Exercise& e) {
        e.value("loss", 0.5, 0.5);
        e.value("y", Tensor<double>{1.0, 2.0}, Tensor<double>{1.0, 2.0});
        e.require("that is so", true, "unseen");
    });
    exercises.add("1.2", "bad", "bad.hpp", [](Exercise& e) {
        e.value("loss", 0.25, 0.5);
        e.require("throws", false, "it should have thrown");
        e.value("y", Tensor<double>{1.0, 2.0}, Tensor<double>{1.0, 3.0});
    });
    exercises.add("1.3", "empty", "empty.hpp", [](Exercise&) {});
    const Outcome outcome = run(exercises);
    CHECK(outcome.status == 1);
    CHECK(outcome.says("loss is wrong"));
    CHECK(outcome.says("it should have thrown\n  and 1 more wrong"));
    CHECK_FALSE(outcome.says("unseen"));
    CHECK(outcome.says("1 of 3 exercises passed")); // nothing compared is nothing proved
    CHECK(run(exercises, {"1.1"}).status == 0);
    CHECK(run(exercises, {"1.1", "1.2"}).says("1 of 2 exercises passed"));
}

TEST_CASE("an exception is a fault, with its message", "[check]") {
    const auto thrower =
        cubes([](const auto&) -> Tensor<double> { throw std::runtime_error("x.hpp:4: check failed\n\tindex 7\n"); });
    CHECK(run(thrower).status == 1);
    CHECK(run(thrower).says("an exception: index 7"));
    CHECK_FALSE(run(thrower).says("check failed")); // only the line that says what
    CHECK(run(cubes([](const auto&) -> Tensor<double> { throw std::runtime_error(""); })).says("without a message"));
    CHECK(run(thrower, {"--expect-all-fail"}).status == 1); // a stub must compute something, if something wrong
}

TEST_CASE("an exception of any type is a fault, with its type", "[check]") {
    const Outcome seven = run(cubes([](const auto&) -> Tensor<double> { throw 7; }));
    CHECK(seven.status == 1);
    CHECK(seven.says("an exception: of type int\n"));
    CHECK(seven.says("0 of 1 exercises passed"));
    const auto thrower = cubes([](const auto&) -> Tensor<double> { throw std::string("text"); });
    CHECK(run(thrower).says("an exception: of type std::"));
}

TEST_CASE("the list of exercises is JSON, and none of them runs", "[check]") {
    auto exercises = cubes([](const auto&) -> Tensor<double> { throw 7; });
    exercises.add("05.5", "good \"quoted\"", "good.hpp", [](Exercise& e) { e.value("y", 1.0, 1.0); });
    const Outcome outcome = run(exercises, {"--list"});
    CHECK(outcome.status == 0);
    const auto list = nlohmann::json::parse(outcome.out);
    REQUIRE(list.size() == 2);
    CHECK(list[0]["exercise"] == "05.4");
    CHECK(list[0]["function"] == "cubes_backward");
    CHECK(list[0]["file"] == "cubes.hpp");
    CHECK(list[1]["function"] == "good \"quoted\"");
    CHECK(run(exercises, {"--list", "05.4"}).status == 2);
}

TEST_CASE("the result of one exercise goes to a file, and nothing to the output", "[check]") {
    const support::TemporaryFolder folder;
    const std::string file = (folder / "result.json").string();
    const auto result = [&] {
        std::ifstream stream(file);
        return nlohmann::json::parse(stream);
    };
    Outcome outcome = run(cubes(right), {"05.4", "--result", file});
    CHECK(outcome.status == 0);
    CHECK(outcome.out.empty());
    CHECK(result() == nlohmann::json({{"exercise", "05.4"}, {"passed", true}, {"exception", ""}, {"report", ""}}));

    outcome = run(cubes([](const auto& x) { return Tensor<double>(6.0 * x * x); }), {"--result", file, "05.4"});
    CHECK(outcome.status == 1);
    CHECK(outcome.out.empty());
    CHECK(result()["passed"] == false);
    const auto report = result()["report"].get<std::string>();
    CHECK(report.find("dx has shape (2, 3): 6 of 6 entries are wrong\n") == 0);
    CHECK(report.find("hint: every entry is 2 times too large") != std::string::npos);

    outcome = run(cubes([](const auto&) -> Tensor<double> { throw 7; }), {"05.4", "--result", file});
    CHECK(outcome.status == 1);
    CHECK(result()["passed"] == false);
    CHECK(result()["exception"] == "of type int");

    // Bytes that are no UTF-8 are replaced: the file is JSON in any case.
    CHECK(
        run(cubes([](const auto&) -> Tensor<double> { throw std::runtime_error("\xff!"); }), {"05.4", "--result", file})
            .status == 1);
    CHECK(result()["exception"].get<std::string>().back() == '!');

    CHECK(run(cubes(right), {"--result", file}).errors == "check: --result takes a file and one exercise, not 0\n");
    CHECK(run(cubes(right), {"--result", file}).status == 2);
    CHECK(run(cubes(right), {"05.4", "--result"}).status == 2);
    outcome = run(cubes(right), {"05.4", "--result", (folder / "no/such.json").string()});
    CHECK(outcome.status == 2);
    CHECK(outcome.errors.find("no/such.json: the result could not be written") != std::string::npos);
}

TEST_CASE("every stub must fail, not only one of them", "[check]") {
    const auto stub = [](const auto& x) { return zeros<double>(x.shape()); };
    CHECK(run(cubes(stub), {"--expect-all-fail"}).status == 0);
    const Outcome solved = run(cubes(right), {"--expect-all-fail"});
    CHECK(solved.status == 1);
    CHECK(solved.says("05.4 is solved: well done! Restore the stub exercises/cubes.hpp before you commit."));
    CHECK_FALSE(solved.says("a stub must return wrong numbers"));
    auto both = cubes(stub);
    both.add("05.5", "good", "good.hpp", [](Exercise& e) { e.value("y", 1.0, 1.0); });
    CHECK(run(both, {"--expect-all-fail"}).status == 1);
    CHECK(run(both, {"--expect-all-fail"}).says("1 of 2 stubs fail as they should"));
    const auto shapeless = cubes([](const auto&) { return Tensor<double>(); });
    CHECK(run(shapeless, {"--expect-all-fail"}).says("a stub must return wrong numbers"));
}

TEST_CASE("an unknown argument is refused in one line", "[check]") {
    const Outcome outcome = run(cubes(right), {"05.9"});
    CHECK(outcome.status == 2);
    CHECK(outcome.errors == "check: 05.9 is no coding exercise; expected any of 05.4\n");
    CHECK(outcome.out.empty());
}

TEST_CASE("a case by hand prints its inputs, the expected result and the reader's", "[check]") {
    check::Exercises exercises;
    exercises.add("1.1", "f", "f.hpp", [](Exercise& e) {
        const Tensor<double> x{{-2.0, 3.0, 0.5}, {4.0, -6.0, 5.0}}, y{{1.0, 2.0, -0.0}, {3.0, 4.0, 10.0}};
        e.by_hand({{"x", x}, {"alpha", 0.5}, {"classes", Labels{2, 0}}, {"f(x)", "x^2"}});
        e.value("z", y, y);
        Tensor<double> got = y;
        got(0, 1) = 7;
        got(1, 0) = -3;
        e.value("y", got, y);
        e.value("u", 1.5, 2.5);
    });
    const Outcome outcome = run(exercises);
    CHECK(outcome.says("  right: z by hand\n"
                       "  y by hand has shape (2, 3): 2 of 6 entries are wrong\n"
                       "    x            -2    3  0.5\n"
                       "                  4   -6    5\n"
                       "    alpha       0.5\n"
                       "    classes     2  0\n"
                       "    f(x)        x^2\n"
                       "    expected y   1   2   0\n"
                       "                 3   4  10\n"
                       "    your y       1    7*   0\n"
                       "                -3*   4   10\n"
                       "  u by hand is wrong\n"));
    CHECK(outcome.says("    expected u  2.5\n    your u      1.5*\n"));
}

TEST_CASE("tensors of higher rank are listed by matrices, and those of another shape without stars", "[check]") {
    check::Exercises exercises;
    exercises.add("1.1", "f", "f.hpp", [](Exercise& e) {
        Tensor<double> images = zeros<double>({1, 2, 2, 2});
        for (std::size_t i = 0; i < 8; ++i) { images.data()[i] = static_cast<double>(i); }
        e.by_hand({{"x", images}});
        e.value("y", Tensor<double>{4.0}, Tensor<double>{4.0, 5.0});
        e.value("z", zeros<double>({0}), Tensor<double>{4.0, 5.0});
    });
    const Outcome outcome = run(exercises);
    CHECK(outcome.says("    x[0,0]      0  1\n"
                       "                2  3\n"
                       "    x[0,1]      4  5\n"
                       "                6  7\n"
                       "    expected y  4  5\n"
                       "    your y      4\n"));
    CHECK(outcome.says("    your z      no entries\n"));
}

TEST_CASE("only the faults of the first wrong case are shown, and what passed comes first", "[check]") {
    check::Exercises exercises;
    exercises.add("1.1", "f", "f.hpp", [](Exercise& e) {
        e.begin("for a");
        e.value("y", 1.0, 1.0);
        e.require("f(0)", true, "");
        e.begin("for b");
        e.otherwise("the hint of case b");
        e.value("y", 1.0, 2.0);
        e.begin("for c");
        e.value("y", 1.0, 2.0);
        e.require("f(0)", false, "never shown");
    });
    const Outcome outcome = run(exercises);
    CHECK(outcome.says("  right: y for a; f(0) for a\n  y for b is wrong\n"));
    CHECK(outcome.says("  hint: the hint of case b\n  and 2 more wrong\n"));
    CHECK_FALSE(outcome.says("for c"));
    CHECK_FALSE(outcome.says("never shown"));
}

TEST_CASE("the result of a known mistake is named, whatever its shape and entries", "[check]") {
    const double inf = std::numeric_limits<double>::infinity(), nan = std::numeric_limits<double>::quiet_NaN();
    const Tensor<double> right{1.0, 2.0, 4.0};
    const auto says = [&](const Tensor<double>& got, const check::Mistakes& mistakes) {
        check::Exercises exercises;
        exercises.add("1.1", "f", "f.hpp", [&](Exercise& e) { e.value("y", got, right, mistakes); });
        const std::string out = run(exercises).out;
        const std::size_t hint = out.find("hint: ");
        return hint == std::string::npos ? "" : out.substr(hint + 6, out.find('\n', hint) - hint - 6);
    };
    const check::Mistakes mistakes = {{right, "nothing is wrong"},
                                      {Tensor<double>{1.0, 3.0, 9.0}, "squares are taken"},
                                      {Tensor<double>{1.0, 2.0}, "the last entry is missing"},
                                      {Tensor<double>{inf, -inf, nan}, "exp overflows"},
                                      {zeros<double>({3}), "nothing is done"}};
    const std::string begin = "your y is what one gets when ";
    CHECK(says({1.0, 3.0, 9.0}, mistakes) == begin + "squares are taken");
    CHECK(says({1.0, 2.0}, mistakes) == begin + "the last entry is missing");
    CHECK(says({inf, -inf, nan}, mistakes) == begin + "exp overflows");
    CHECK(says({0.0, 0.0, 0.0}, mistakes) == begin + "nothing is done");
    CHECK(says({0.0, 0.0, 0.0}, {}) == "nothing but zeros: is it still the stub?");
    CHECK(says({inf, inf, nan}, mistakes).empty());
    CHECK(says({1e-14, 0.0, 0.0}, mistakes).empty()); // nearly nothing is not nothing
    CHECK(says({1.0, 2.0, 4.5}, mistakes) == "only the last entry is wrong: does a loop end one turn too early?");
    // A result that is nearly right is not that of a mistake which makes no difference.
    CHECK(says({1.0, 2.0, 4.0 + 2e-10}, {{right + 1e-11, "nothing is wrong"}}).find("nothing is wrong") ==
          std::string::npos);
}

TEST_CASE("a gradient knows mistakes, too", "[check]") {
    check::Exercises exercises;
    exercises.add("1.1", "f", "f.hpp", [](Exercise& e) {
        const Tensor<double> x{1.0, -2.0, 3.0};
        e.begin("for some numbers", {{"x", x}});
        e.gradient("x", x, Tensor<double>(x * x), [](const auto& x_) { return x_(0) * x_(1) * x_(2); },
                   {{Tensor<double>(x * x), "x is squared"}});
    });
    CHECK(run(exercises).says("hint: your dx is what one gets when x is squared"));
}
