#pragma once
/// @file
/// Checks the gradients of one function with respect to all its inputs, and prints one table.

#include <iosfwd>
#include <string>
#include <utility>
#include <vector>

#include "handgrad/check/complex_step.hpp"
#include "handgrad/check/report.hpp"
#include "handgrad/tensor/tensor.hpp"

namespace handgrad::check {

/// Collects the reports of several gradients:
///
/// @snippet training.cpp gradient_check
class GradientCheck {
public:
    GradientCheck() = default;

    /// A checker whose hints use these facts about the function.
    explicit GradientCheck(HintContext context) : context_(std::move(context)) {}

    /// Names the extents, {{"N", 64}, {"K", 10}}: a hint asks about the mean over the batch only if every entry is N
    /// times too large, and names every extent that equals such a factor.
    void extents(std::vector<std::pair<std::string, std::size_t>> named) { context_.extents = std::move(named); }

    /// Checks the gradient with respect to one input by complex_step().
    ///
    /// Unlike compare() it knows the input, so its hints recognise a wrong weight penalty as well.
    ///
    /// @param name     name of the input, "w"; the report calls the gradient "dw"
    /// @param at       value of the input, any shape
    /// @param analytic gradient to check, the same shape; T is float or double
    /// @param f        the function of this input, all other inputs fixed: `[&](const auto& w_) { ... }`
    /// @param expect   whether the gradient should be zero everywhere
    /// @return         the report; the reference is valid until the next call
    template <class T, class F> const Report& wrt(const std::string& name, const Tensor<double>& at,
                                                  const Tensor<T>& analytic, F&& f, Expect expect = Expect::nonzero) {
        const Tensor<double> numeric = complex_step(std::forward<F>(f), at);
        constexpr Tolerance tolerance = std::is_same_v<T, float> ? float_tolerance : complex_step_tolerance;
        Report report = compare("d" + name, Tensor<double>(analytic), numeric, context_, tolerance, expect);
        if (!report.passed() && report.hint.empty()) {
            report.hint = penalty_hint(name, at, Tensor<double>(analytic), numeric);
        }
        return add(std::move(report));
    }

    /// Adds the report of another comparison.
    const Report& add(Report report);

    /// True if there is at least one report and all reports have passed.
    bool passed() const;

    /// The reports, in the order of the checks.
    const std::vector<Report>& reports() const { return reports_; }

private:
    static std::string penalty_hint(const std::string& name, const Tensor<double>& at, const Tensor<double>& analytic,
                                    const Tensor<double>& numeric);

    std::vector<Report> reports_;
    HintContext context_;
};

/// One table with a line for each gradient: shape, entries compared, kinks, errors, worst entry, verdict.
std::string table(const GradientCheck& checker);

/// The table, then the full report of each gradient that failed.
std::string to_string(const GradientCheck& checker);

/// Writes to_string(checker).
std::ostream& operator<<(std::ostream& out, const GradientCheck& checker);

/// Ends a program that has found a wrong gradient: unless checker.passed(), writes the full report of each gradient
/// that failed, with its hint, and throws.
///
/// @param checker the reports, all of which must have passed
/// @param out     stream for the reports
/// @throws std::runtime_error with one line that names the failed gradients; app::Program then ends with status 1
void require_passed(const GradientCheck& checker, std::ostream& out);

/// The same, with the reports on standard output.
void require_passed(const GradientCheck& checker);

} // namespace handgrad::check
