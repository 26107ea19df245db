#pragma once
/// @file
/// The frame of the programs that mark a chapter's coding exercises.
///
/// @snippet training.cpp exercise
///
/// Such a program knows how to go forward; the derivatives that the reader's results are compared with come from the
/// complex step.

#include <functional>
#include <iosfwd>
#include <string>
#include <utility>
#include <vector>

#include "handgrad/check/gradient_check.hpp"
#include "handgrad/check/report.hpp"
#include "handgrad/tensor/tensor.hpp"

namespace handgrad::check {

/// What was found in one exercise. The functions compare one result each; all of them must be right.
class Exercise {
public:
    /// Compares a gradient with the complex step.
    /// @param name of the input; the result is called "d" + name
    /// @param at   the input's value, any shape
    /// @param got  the gradient that the reader's code computed, the same shape
    /// @param f    the function with everything but this input held fixed: `[&](const auto& w_) { ... }`
    template <class F>
    void gradient(const std::string& name, const Tensor<double>& at, const Tensor<double>& got, F&& f) {
        GradientCheck checker;
        add(checker.wrt(name, at, got, std::forward<F>(f)));
    }

    /// Compares a result with the right one.
    void value(const std::string& name, const Tensor<double>& got, const Tensor<double>& expected,
               Tolerance tolerance = complex_step_tolerance);

    /// The same for a single number.
    void value(const std::string& name, double got, double expected, Tolerance tolerance = complex_step_tolerance);

    /// Takes note of something that is either right or not; `fault` is the line to be shown if it is not.
    void require(bool right, const std::string& fault);

    /// True if something was compared and all of it was right.
    bool passed() const { return compared_ && faults_.empty(); }

    /// True if numbers were wrong, or a requirement was broken: what an untouched stub must bring about.
    bool wrong() const { return wrong_; }

    /// What is wrong, with tables of the worst entries and hints; several lines for each fault.
    const std::vector<std::string>& faults() const { return faults_; }

private:
    void add(const Report& report);

    bool compared_ = false;
    bool wrong_ = false;
    std::vector<std::string> faults_;
};

/// The coding exercises of a chapter.
class Exercises {
public:
    /// Adds an exercise.
    /// @param number   "05.4", as the chapter's text has it
    /// @param function whose code the reader is to write
    /// @param file     of the stub, in the chapter's folder exercises/
    /// @param check    what to compare. It may throw: that is a fault of the exercise
    void add(std::string number, std::string function, std::string file, std::function<void(Exercise&)> check);

    /// Runs the exercises and reports on each.
    ///
    /// The arguments are the numbers of the exercises to be run (none: all), and `--summary`: one line for each, or
    /// `--expect-all-fail`: it is right if every exercise fails, by a wrong result and not by an exception.
    /// @return the exit status: 0 if all is well, 1 if not, 2 if an argument makes no sense
    int run(const std::vector<std::string>& arguments, std::ostream& out, std::ostream& errors) const;

    /// run() with a program's arguments, on standard output.
    int main(int argc, char** argv) const;

private:
    struct Entry {
        std::string number, function, file;
        std::function<void(Exercise&)> check;
    };
    std::vector<Entry> entries_;
};

} // namespace handgrad::check
