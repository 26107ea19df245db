#pragma once
/// @file
/// Compares an analytic gradient with a numeric one, and reports the result.

#include <cstddef>
#include <iosfwd>
#include <string>
#include <utility>
#include <vector>

#include "handgrad/check/tolerances.hpp"
#include "handgrad/tensor/tensor.hpp"

namespace handgrad::check {

/// An entry at which the function has a kink within the step: the difference quotient does not approximate a
/// derivative.
struct Kink {
    std::size_t entry; ///< row-major position in the tensor
    double left;       ///< (f(x) - f(x - h)) / h
    double right;      ///< (f(x + h) - f(x)) / h
    bool certain;      ///< true: the outcome of a comparison changed; false: only the two slopes differ
};

/// The result of central_difference().
struct Differences {
    Tensor<double> gradient; ///< shape of x; the entries at kinks are not derivatives
    std::vector<Kink> kinks; ///< in row-major order
    Tolerance tolerance;     ///< row of the table in tolerances.hpp for the scalar type of f
};

/// Whether a gradient that is zero everywhere is an error or the right result. Usually it is an error: otherwise a
/// backward pass that computes nothing could pass.
enum class Expect { nonzero, zero };

/// One compared entry.
struct Entry {
    std::size_t position; ///< row-major position in the tensor
    double analytic;      ///< the entry under test
    double numeric;       ///< the expected value
    double error;         ///< |analytic - numeric|
    double relative;      ///< error / max(|analytic|, |numeric|); 0 if both are 0
    double excess;        ///< error divided by the largest error allowed: wrong if above 1
};

/// The result of compare().
struct Report {
    std::string name;              ///< name of the gradient, "dw"
    Shape shape;                   ///< shape of the analytic gradient
    std::size_t compared = 0;      ///< number of entries compared, without the kinks
    std::size_t wrong = 0;         ///< number of entries outside the tolerance
    std::vector<Kink> kinks;       ///< entries that were not compared
    double largest_numeric = 0;    ///< max|c| in the condition
    double max_absolute_error = 0; ///< over the compared entries
    double max_relative_error = 0; ///< over the compared entries
    std::vector<Entry> worst;      ///< five entries: wrong ones first, then by error
    Tolerance tolerance{0, 0};     ///< the tolerance of the comparison
    std::string why;               ///< reason of the failure; empty if the check passed
    std::string hint;              ///< likely cause, from the pattern of the errors; may be empty

    /// True if at least one entry was compared and all compared entries agree.
    bool passed() const { return why.empty(); }

    /// The reason of the failure in one line; empty if the check passed.
    const std::string& reason() const { return why; }

    /// The worst entry by name and index, "dw[3,4]"; empty if nothing was compared.
    std::string worst_entry() const;
};

/// Facts about a function that the hints may use. A hint about the mean over the batch, for example, needs the batch
/// size.
struct HintContext {
    /// Extents by name, {"N", 5}; N is the batch size.
    std::vector<std::pair<std::string, std::size_t>> extents;
    /// The true class of each row of a gradient of shape (N, K); may be empty.
    Labels labels;
    /// Results of known mistakes, each with its hint. A result of another shape than the right one may be among them.
    std::vector<std::pair<Tensor<double>, std::string>> mistakes;
    /// Inputs of the function by name. A hint says which of them is missing as a factor or as a term.
    std::vector<std::pair<std::string, Tensor<double>>> inputs;
};

/// Compares two gradients entry by entry.
///
/// The condition for an analytic entry a and a numeric entry c, with max|c| over the compared entries, is
///
///     |a - c| <= tolerance.relative * max|c| + tolerance.entrywise * |c|
///
/// The check fails if an entry violates it. It also fails if the shapes differ, an entry of either gradient is not
/// finite, no entry was compared (an empty tensor, or kinks everywhere), or the analytic gradient is zero everywhere.
/// With Expect::zero both gradients must be zero: |a| and |c| at most tolerance.relative.
///
/// @param name      name of the gradient in the report: "dw"
/// @param analytic  gradient to check, any shape
/// @param numeric   result of complex_step(), or another gradient that is known to be right; the same shape
/// @param tolerance a row of the table in tolerances.hpp
/// @param expect    whether the gradient should be zero everywhere
/// @return          the report; compare() never throws because of the values of the tensors
Report compare(const std::string& name, const Tensor<double>& analytic, const Tensor<double>& numeric,
               Tolerance tolerance = complex_step_tolerance, Expect expect = Expect::nonzero);

/// The same with facts for the hints.
Report compare(const std::string& name, const Tensor<double>& analytic, const Tensor<double>& numeric,
               const HintContext& context, Tolerance tolerance = complex_step_tolerance,
               Expect expect = Expect::nonzero);

/// The same for a gradient computed in float.
Report compare(const std::string& name, const Tensor<float>& analytic, const Tensor<double>& numeric,
               Tolerance tolerance = float_tolerance, Expect expect = Expect::nonzero);

/// The same against central differences. The report lists the entries at kinks; they are not compared. The tolerance is
/// that of the differences.
Report compare(const std::string& name, const Tensor<double>& analytic, const Differences& numeric,
               Expect expect = Expect::nonzero);

/// As above with another tolerance, for a step that is not the default.
Report compare(const std::string& name, const Tensor<double>& analytic, const Differences& numeric, Tolerance tolerance,
               Expect expect = Expect::nonzero);

/// As above for a gradient computed in float.
Report compare(const std::string& name, const Tensor<float>& analytic, const Differences& numeric,
               Tolerance tolerance = float_difference_tolerance, Expect expect = Expect::nonzero);

/// The report as text of several lines: verdict, condition, the worst entries side by side, kinks, hint.
std::string to_string(const Report& report);

/// Writes to_string(report).
std::ostream& operator<<(std::ostream& out, const Report& report);

/// "dw[3,4]" for position 19 of a tensor of shape (4, 5); "dw" for a scalar.
std::string entry_name(const std::string& name, const Shape& shape, std::size_t position);

} // namespace handgrad::check
