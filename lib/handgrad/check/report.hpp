#pragma once
/// @file
/// Compares an analytic gradient with a numeric one, and says what it found.

#include <cstddef>
#include <iosfwd>
#include <string>
#include <vector>

#include "handgrad/check/tolerances.hpp"
#include "handgrad/tensor/tensor.hpp"

namespace handgrad::check {

/// An entry at which the function has a corner within the step, so that a difference quotient means nothing there.
struct Kink {
    std::size_t entry; ///< row-major position in the tensor
    double left;       ///< (f(x) - f(x - h)) / h
    double right;      ///< (f(x + h) - f(x)) / h
    bool certain;      ///< true: a comparison came out differently. false: the two slopes differ suspiciously
};

/// What central_difference() returns.
struct Differences {
    Tensor<double> gradient; ///< shape of x; entries at kinks are there too, but should not be trusted
    std::vector<Kink> kinks; ///< in row-major order
    Tolerance tolerance;     ///< the row of the table for the scalar type that f was evaluated with
};

/// Whether a gradient that is zero everywhere is an error (as a rule it is: a backward pass that does nothing would
/// pass) or the right answer.
enum class Expect { nonzero, zero };

/// One compared entry.
struct Entry {
    std::size_t position; ///< row-major position in the tensor
    double analytic;      ///< the entry under test
    double numeric;       ///< what it should be
    double error;         ///< |analytic - numeric|
    double relative;      ///< error / max(|analytic|, |numeric|); 0 if both are 0
    double excess;        ///< error in units of what the tolerance allows: above 1 is wrong
};

/// The result of compare().
struct Report {
    std::string name;              ///< of the gradient, "dw"
    Shape shape;                   ///< of the analytic gradient
    std::size_t compared = 0;      ///< entries compared; kinks are not
    std::size_t wrong = 0;         ///< entries outside the tolerance
    std::vector<Kink> kinks;       ///< entries left out, see Kink
    double largest_numeric = 0;    ///< max|c| in the condition
    double max_absolute_error = 0; ///< over the compared entries
    double max_relative_error = 0; ///< over the compared entries
    std::vector<Entry> worst;      ///< five entries: wrong ones first, then by error
    Tolerance tolerance{0, 0};     ///< in use
    std::string why;               ///< why the check failed; empty if it passed
    std::string hint;              ///< the likely cause where the pattern of errors shows it; may be empty

    /// True if something was compared and everything that was compared agrees.
    bool passed() const { return why.empty(); }

    /// One line that says why the check failed; empty if it passed.
    const std::string& reason() const { return why; }

    /// The worst entry by name and index, "dw[3,4]"; empty if nothing was compared.
    std::string worst_entry() const;
};

/// Compares two gradients entry by entry.
///
/// The condition for an analytic entry a and a numeric entry c, with max|c| over the compared entries, is
///
///     |a - c| <= tolerance.relative * max|c| + tolerance.entrywise * |c|
///
/// The check fails if any entry breaks it, and also if the shapes differ, an entry on either side is not finite,
/// nothing was compared (an empty tensor, or kinks everywhere), or the analytic gradient is zero everywhere.
/// With Expect::zero both sides must be zero: |a| and |c| at most tolerance.relative.
///
/// @param name      what the report calls the gradient: "dw"
/// @param analytic  the gradient to be checked, any shape
/// @param numeric   what complex_step() returned, or any gradient to be trusted; the same shape
/// @param tolerance a row of the table in tolerances.hpp
/// @param expect    whether the gradient should be zero everywhere
/// @return          the report; nothing is thrown, whatever the tensors hold
Report compare(const std::string& name, const Tensor<double>& analytic, const Tensor<double>& numeric,
               Tolerance tolerance = complex_step_tolerance, Expect expect = Expect::nonzero);

/// The same for a gradient that was computed in float.
Report compare(const std::string& name, const Tensor<float>& analytic, const Tensor<double>& numeric,
               Tolerance tolerance = float_tolerance, Expect expect = Expect::nonzero);

/// The same against central differences: entries at kinks are listed in the report, not compared, and the tolerance is
/// the one that central_difference() chose.
Report compare(const std::string& name, const Tensor<double>& analytic, const Differences& numeric,
               Expect expect = Expect::nonzero);

/// As above with a tolerance of your own, for a step that is not the default.
Report compare(const std::string& name, const Tensor<double>& analytic, const Differences& numeric, Tolerance tolerance,
               Expect expect = Expect::nonzero);

/// As above for a gradient that was computed in float.
Report compare(const std::string& name, const Tensor<float>& analytic, const Differences& numeric,
               Tolerance tolerance = float_difference_tolerance, Expect expect = Expect::nonzero);

/// The report as text of several lines: verdict, condition, the worst entries side by side, kinks, hint.
std::string to_string(const Report& report);

/// Writes to_string(report).
std::ostream& operator<<(std::ostream& out, const Report& report);

/// "dw[3,4]" for position 19 of a tensor of shape (4, 5); "dw" for a scalar.
std::string entry_name(const std::string& name, const Shape& shape, std::size_t position);

} // namespace handgrad::check
