#include "hints.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "handgrad/check/gradient_check.hpp"

namespace handgrad::check {
namespace {

/// The factor r with a_i = r c_i for every entry, or 0 if there is none.
double common_factor(const Tensor<double>& a, const Tensor<double>& c, double closeness) {
    const double* largest =
        std::max_element(c.data(), c.data() + c.size(), [](double u, double v) { return std::abs(u) < std::abs(v); });
    if (a.size() < 2 || *largest == 0) { return 0; }
    const double factor = a.data()[largest - c.data()] / *largest;
    const double allowed = closeness * std::abs(factor * *largest);
    std::size_t nonzero = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
        if (std::abs(a.data()[i] - factor * c.data()[i]) > allowed) { return 0; }
        if (std::abs(c.data()[i]) > 1e-3 * std::abs(*largest)) { ++nonzero; }
    }
    return nonzero >= 2 ? factor : 0;
}

/// Returns the integer nearest to x if it is greater than 1 and x is within the closeness of it, otherwise 0.
long whole_number(double x, double closeness) {
    const double n = std::round(x);
    return n > 1 && n < 1e9 && std::abs(x - n) <= closeness * n ? static_cast<long>(n) : 0;
}

std::string factor_hint(double factor, double closeness) {
    if (std::abs(factor + 1) <= closeness) { return "every entry has the wrong sign"; }
    if (factor < 0) {
        return fmt::format("every entry is {:.6g} times the numeric one: a sign and a factor are wrong", factor);
    }
    if (const long n = whole_number(factor, closeness)) {
        return n == 2 ? "every entry is 2 times too large: is a factor 1/2 missing, or a mean over a batch of 2?"
                      : fmt::format("every entry is {} times too large: is the mean over the batch missing?", n);
    }
    if (const long n = whole_number(1 / factor, closeness)) {
        return n == 2 ? "every entry is 2 times too small: is a factor 2 missing, from a square or a second path?"
                      : fmt::format("every entry is {} times too small: has the batch been averaged twice?", n);
    }
    return fmt::format("every entry is {:.6g} times the numeric one: a constant factor is wrong", factor);
}

/// A hint if all wrong entries are zero in exactly one of the two gradients: a mask passes or stops the wrong entries.
std::string mask_hint(const Tensor<double>& a, const Tensor<double>& c, const Report& report,
                      const std::vector<std::size_t>& wrong) {
    const double tiny = report.tolerance.relative * report.largest_numeric;
    std::size_t blocked = 0;
    std::size_t leaked = 0;
    for (const std::size_t i : wrong) {
        const bool zero_analytic = std::abs(a.data()[i]) <= tiny;
        const bool zero_numeric = std::abs(c.data()[i]) <= tiny;
        if (zero_analytic && !zero_numeric) { ++blocked; }
        if (!zero_analytic && zero_numeric) { ++leaked; }
    }
    if (blocked + leaked < std::max<std::size_t>(wrong.size(), 2)) { return ""; }
    if (leaked == 0) {
        return fmt::format("all {} wrong entries are zero and should not be: were they never written, or does a mask "
                           "(a ReLU's) hold back too much?",
                           blocked);
    }
    if (blocked == 0) {
        return fmt::format("all {} wrong entries should be zero: is a mask (a ReLU's) missing?", leaked);
    }
    return fmt::format("{} entries are zero and should not be, {} should be zero and are not, the rest are right: is a "
                       "mask (a ReLU's) taken from the wrong tensor?",
                       blocked, leaked);
}

/// A hint if all wrong entries have one index in common.
std::string slice_hint(const Shape& shape, const std::vector<std::size_t>& wrong) {
    if (wrong.size() < 2) { return ""; }
    const std::vector<std::size_t> first = indices(shape, wrong.front());
    for (std::size_t axis = 0; axis < shape.size(); ++axis) {
        const bool shared = std::all_of(wrong.begin(), wrong.end(), [&](std::size_t position) {
            return indices(shape, position)[axis] == first[axis];
        });
        if (!shared || shape[axis] < 2) { continue; }
        if (shape.size() != 2) {
            return fmt::format("all {} wrong entries have index {} on axis {}", wrong.size(), first[axis], axis);
        }
        return fmt::format("all {} wrong entries are in {} {}", wrong.size(), axis == 0 ? "row" : "column",
                           first[axis]);
    }
    return "";
}

} // namespace

double pattern_tolerance(Tolerance tolerance) {
    return std::min(1e-3, 1e4 * tolerance.relative + 10 * tolerance.entrywise);
}

std::vector<std::size_t> indices(const Shape& shape, std::size_t position) {
    std::vector<std::size_t> result(shape.size());
    for (std::size_t axis = shape.size(); axis-- > 0;) {
        result[axis] = position % shape[axis];
        position /= shape[axis];
    }
    return result;
}

bool is_transposed(const Tensor<double>& a, const Tensor<double>& b, double allowed) {
    if (a.dimension() != 2 || b.dimension() != 2 || a.shape(0) != b.shape(1) || a.shape(1) != b.shape(0)) {
        return false;
    }
    for (std::size_t i = 0; i < a.shape(0); ++i) {
        for (std::size_t j = 0; j < a.shape(1); ++j) {
            if (!(std::abs(a(i, j) - b(j, i)) <= allowed)) { return false; }
        }
    }
    return true;
}

std::string hint(const Tensor<double>& analytic, const Tensor<double>& numeric, const Report& report,
                 const std::vector<std::size_t>& wrong) {
    const double closeness = pattern_tolerance(report.tolerance);
    if (report.kinks.empty()) { // patterns of the whole tensor
        if (is_transposed(analytic, numeric, closeness * report.largest_numeric)) {
            return "the analytic gradient is the transpose of the numeric one";
        }
        const double factor = common_factor(analytic, numeric, closeness);
        if (factor != 0) { return factor_hint(factor, closeness); }
    }
    if (wrong.size() == report.compared) { return ""; }
    const std::string mask = mask_hint(analytic, numeric, report, wrong);
    return mask.empty() ? slice_hint(report.shape, wrong) : mask;
}

std::string GradientCheck::penalty_hint(const std::string& name, const Tensor<double>& at,
                                        const Tensor<double>& analytic, const Tensor<double>& numeric) {
    if (analytic.shape() != at.shape() || numeric.shape() != at.shape()) { return ""; }
    Tensor<double> difference(at.shape());
    double largest_numeric = 0;
    double largest_difference = 0;
    for (std::size_t i = 0; i < at.size(); ++i) {
        difference.data()[i] = analytic.data()[i] - numeric.data()[i];
        largest_numeric = std::max(largest_numeric, std::abs(numeric.data()[i]));
        largest_difference = std::max(largest_difference, std::abs(difference.data()[i]));
    }
    // Differences that are mostly rounding errors show no pattern.
    if (!(largest_difference > 1e-10 * largest_numeric)) { return ""; }
    const double factor = common_factor(difference, at, 1e-4);
    if (factor == 0 || !std::isfinite(factor)) { return ""; }
    return fmt::format("analytic - numeric = {:.6g} {} in every entry: is the factor of the weight penalty right?",
                       factor, name);
}

} // namespace handgrad::check
