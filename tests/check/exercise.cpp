// The frame of the programs that mark exercises: what passes, what fails and how it says so, and the exit status.
#include "catch.hpp"

#include <fstream>
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
    CHECK(outcome.says("dx (2, 3): 6 of 6 entries are wrong"));
    CHECK(outcome.says("dx[0,2]              54              27"));
    CHECK(outcome.says("hint: every entry is 2 times too large"));
    CHECK(outcome.says("to be mended in exercises/cubes.hpp"));
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
        e.require(true, "unseen");
    });
    exercises.add("1.2", "bad", "bad.hpp", [](Exercise& e) {
        e.value("loss", 0.25, 0.5);
        e.require(false, "it should have thrown");
        e.value("y", Tensor<double>{1.0, 2.0}, Tensor<double>{1.0, 3.0});
    });
    exercises.add("1.3", "empty", "empty.hpp", [](Exercise&) {});
    const Outcome outcome = run(exercises);
    CHECK(outcome.status == 1);
    CHECK(outcome.says("loss is wrong"));
    CHECK(outcome.says("it should have thrown\n  and 1 more"));
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
    CHECK(report.find("dx (2, 3): 6 of 6 entries are wrong\n") == 0);
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
