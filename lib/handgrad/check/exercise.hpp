#pragma once
/// @file
/// The frame of the programs that check the coding exercises of a chapter.
///
/// @snippet training.cpp exercise
///
/// Such a program contains the forward pass. It compares the reader's gradients with the complex step.

#include <functional>
#include <iosfwd>
#include <string>
#include <utility>
#include <vector>

#include "handgrad/check/gradient_check.hpp"
#include "handgrad/check/report.hpp"
#include "handgrad/tensor/tensor.hpp"

namespace handgrad::check {

/// An input of a case, with the name that the report prints.
struct Input {
    std::string name;     ///< as the task calls it
    Tensor<double> value; ///< rank 0 for a number; empty shape and a text for anything else
    std::string text;     ///< printed in place of the value if it is not empty

    Input(std::string name_, Tensor<double> value_) : name(std::move(name_)), value(std::move(value_)) {} ///< a tensor
    Input(std::string name_, double number) : name(std::move(name_)), value(full<double>({}, number)) {}  ///< a number
    Input(std::string name_, const Labels& y);                                                            ///< classes
    Input(std::string name_, std::string text_) : name(std::move(name_)), text(std::move(text_)) {}       ///< a text
    Input(std::string name_, const char* text_) : name(std::move(name_)), text(text_) {}                  ///< a text
};

/// What a known mistake makes of a result. If the reader's result is this one, the hint says "your dx is what one gets
/// when " and then the cause: "the upstream gradient dy is left out". Results that are the right ones are ignored, so
/// a mistake that makes no difference in a case may be listed all the same.
struct Mistake {
    Tensor<double> result; ///< any shape; entries may be infinite or NaN
    std::string cause;     ///< a clause that follows "when", with the remedy if it is short
};

/// The mistakes that the check of one result knows, in the order in which they are tried.
using Mistakes = std::vector<Mistake>;

/// The results of one exercise. Each function compares one result; the exercise passes if all are right.
///
/// A check consists of cases. The first is small enough to be followed by hand: the report of a wrong result prints its
/// inputs, the expected result and the reader's. The others have random inputs. The report lists what passed, then the
/// faults of the first case that has any.
class Exercise {
public:
    /// Begins the case to be followed by hand: few numbers, most of them integers. Its inputs are printed.
    void by_hand(std::vector<Input> inputs);

    /// Begins another case. Its name follows that of a result, "dx for random numbers", so it begins with "for" or
    /// "with". The hints use its inputs; they are not printed.
    void begin(std::string name, std::vector<Input> inputs = {});

    /// Names the extents of the case, {{"N", 5}, {"K", 3}}. N is the batch size. If a later result is wrong by a
    /// factor, the hint names the extents that equal it.
    void extents(std::vector<std::pair<std::string, std::size_t>> named) { context_.extents = std::move(named); }

    /// Gives the true class of each row, for the hints about a gradient of shape (N, K).
    void labels(const Labels& y) { context_.labels = y; }

    /// Gives the hint for the results of this case that are wrong and for which there is no other hint. For a case that
    /// tests one thing, such as scores of 1000.
    void otherwise(std::string hint) { otherwise_ = std::move(hint); }

    /// Compares a gradient with the complex step.
    /// @param name     name of the input; the report calls the gradient "d" + name
    /// @param at       value of the input, any shape
    /// @param got      gradient computed by the reader's code, the same shape
    /// @param f        the function of this input, all other inputs fixed: `[&](const auto& w_) { ... }`
    /// @param mistakes results of known mistakes
    template <class F> void gradient(const std::string& name, const Tensor<double>& at, const Tensor<double>& got,
                                     F&& f, const Mistakes& mistakes = {}) {
        GradientCheck checker(context("d" + name, mistakes));
        const Tensor<double> numeric = complex_step(f, at);
        add(checker.wrt(name, at, got, std::forward<F>(f)), got, numeric);
    }

    /// Compares a result with the expected one.
    /// @param name      name of the result
    /// @param got       result of the reader's code
    /// @param expected  right result
    /// @param mistakes  results of known mistakes
    /// @param tolerance how closely the two must agree
    void value(const std::string& name, const Tensor<double>& got, const Tensor<double>& expected,
               const Mistakes& mistakes = {}, Tolerance tolerance = complex_step_tolerance);

    /// The same for a single number.
    void value(const std::string& name, double got, double expected, const Mistakes& mistakes = {},
               Tolerance tolerance = complex_step_tolerance);

    /// Records whether a requirement holds.
    /// @param name  name of the requirement in the list of what passed
    /// @param right whether it holds
    /// @param fault what the report says if it does not
    void require(const std::string& name, bool right, const std::string& fault);

    /// True if at least one result was compared and all results are right.
    bool passed() const { return compared_ && faults_.empty(); }

    /// True if a number is wrong or a requirement does not hold, as with every stub.
    bool wrong() const { return wrong_; }

    /// The faults, each of several lines, with tables of the worst entries and hints.
    const std::vector<std::string>& faults() const { return faults_; }

    /// The names of the results that are right, in the order of the comparisons.
    const std::vector<std::string>& right() const { return right_; }

    /// What passed, then the faults of the first case that has any, two at most.
    std::string report() const;

private:
    HintContext context(const std::string& name, const Mistakes& mistakes) const;
    void add(Report report, const Tensor<double>& got, const Tensor<double>& expected);
    void add_fault(const std::string& text);
    std::string named(const std::string& result) const;

    bool compared_ = false;
    bool wrong_ = false;
    std::vector<std::string> right_;
    std::vector<std::string> faults_;
    std::size_t case_ = 0;             // number of the case, from 1
    std::size_t first_wrong_case_ = 0; // the first with a fault
    std::size_t faults_of_first_ = 0;  // number of faults of that case
    std::string case_name_;
    bool listed_ = false;       // whether the inputs of the case are printed
    std::vector<Input> inputs_; // not listed yet
    std::string otherwise_;
    HintContext context_; // facts of the case, without mistakes
};

/// The coding exercises of a chapter.
class Exercises {
public:
    /// Adds an exercise.
    /// @param number   number of the exercise in the chapter's text, "05.4"
    /// @param function name of the function that the reader writes
    /// @param file     name of the stub in the chapter's folder exercises/
    /// @param check    compares the results. An exception that it throws is a fault of the exercise
    void add(std::string number, std::string function, std::string file, std::function<void(Exercise&)> check);

    /// Runs the exercises and reports on each.
    ///
    /// The arguments are the numbers of the exercises to run (none: all). Three options change the report:
    /// - `--list`, the only argument, prints the list of the exercises as JSON and runs none;
    /// - `--result FILE` runs one exercise and writes its result to FILE as JSON. The exercise's own output cannot
    ///   change the result;
    /// - `--expect-all-fail` expects every exercise to fail by a wrong result and not by an exception.
    /// @return the exit status: 0 if the results are as expected, 1 if not, 2 for an invalid argument
    int run(const std::vector<std::string>& arguments, std::ostream& out, std::ostream& errors) const;

    /// run() with the arguments of a program, on standard output. With `--result FILE` it limits the memory and the
    /// output of the process first, and a stack overflow is reported in FILE.
    int main(int argc, char** argv) const;

private:
    struct Entry {
        std::string number, function, file;
        std::function<void(Exercise&)> check;
    };
    struct Outcome {
        Exercise exercise;
        std::string exception; // message or type; empty if there was none
        bool passed() const { return exercise.passed() && exception.empty(); }
    };
    static Outcome mark(const Entry& entry);
    static int write_result(const Entry& entry, const std::string& file, std::ostream& errors);
    int write_list(std::ostream& out) const;

    std::vector<Entry> entries_;
};

} // namespace handgrad::check
