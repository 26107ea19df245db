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

/// The results of one exercise. Each function compares one result; the exercise passes if all are right.
class Exercise {
public:
    /// Names the extents of the exercise, {{"N", 5}, {"K", 3}}. N is the batch size. If a later result is wrong by a
    /// factor, the hint names the extents that equal it.
    void extents(std::vector<std::pair<std::string, std::size_t>> named) { context_.extents = std::move(named); }

    /// Gives the true class of each row, for the hints about a gradient of shape (N, K).
    void labels(const Labels& y) { context_.labels = y; }

    /// Adds the result of a known mistake: if a later result equals it, the hint is this one.
    void mistake(const Tensor<double>& result, const std::string& hint) { context_.mistakes.push_back({result, hint}); }

    /// Compares a gradient with the complex step.
    /// @param name name of the input; the report calls the gradient "d" + name
    /// @param at   value of the input, any shape
    /// @param got  gradient computed by the reader's code, the same shape
    /// @param f    the function of this input, all other inputs fixed: `[&](const auto& w_) { ... }`
    template <class F>
    void gradient(const std::string& name, const Tensor<double>& at, const Tensor<double>& got, F&& f) {
        GradientCheck checker(context_);
        add(checker.wrt(name, at, got, std::forward<F>(f)));
    }

    /// Compares a result with the expected one.
    void value(const std::string& name, const Tensor<double>& got, const Tensor<double>& expected,
               Tolerance tolerance = complex_step_tolerance);

    /// The same for a single number.
    void value(const std::string& name, double got, double expected, Tolerance tolerance = complex_step_tolerance);

    /// Records whether a requirement holds; if it does not, the program prints `fault`.
    void require(bool right, const std::string& fault);

    /// True if at least one result was compared and all results are right.
    bool passed() const { return compared_ && faults_.empty(); }

    /// True if a number is wrong or a requirement does not hold, as with every stub.
    bool wrong() const { return wrong_; }

    /// The faults, each of several lines, with tables of the worst entries and hints.
    const std::vector<std::string>& faults() const { return faults_; }

private:
    void add(const Report& report);

    bool compared_ = false;
    bool wrong_ = false;
    std::vector<std::string> faults_;
    HintContext context_;
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
        std::string report() const; // the first faults
    };
    static Outcome mark(const Entry& entry);
    static int write_result(const Entry& entry, const std::string& file, std::ostream& errors);
    int write_list(std::ostream& out) const;

    std::vector<Entry> entries_;
};

} // namespace handgrad::check
