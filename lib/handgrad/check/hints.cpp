#include "hints.hpp"

#include <algorithm>
#include <cmath>
#include <functional>

#include <fmt/format.h>
#include <fmt/ranges.h>

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

/// Returns the integer nearest to x if it is from 2 to 1e9 and x is within the closeness of it, otherwise 0.
long whole_number(double x, double closeness) {
    const double n = std::round(x);
    return n >= 2 && n <= 1e9 && std::abs(x - n) <= closeness * n ? static_cast<long>(n) : 0;
}

/// The extents that equal n, by name, without the batch size N. `batch` says whether N equals n.
std::vector<std::string> extents_of(long n, const HintContext& context, bool& batch) {
    std::vector<std::string> names;
    batch = false;
    for (const auto& [name, size] : context.extents) {
        if (size != static_cast<std::size_t>(n)) { continue; }
        if (name == "N") {
            batch = true;
        } else {
            names.push_back(name);
        }
    }
    return names;
}

/// "every entry is 5 times too large, and N = K = 5: is the mean over the batch missing?" Asks about an axis only if an
/// extent of the context equals n.
std::string whole_factor_hint(long n, bool large, const HintContext& context) {
    bool batch = false;
    std::vector<std::string> names = extents_of(n, context, batch);
    std::string text = fmt::format("every entry is {} times too {}", n, large ? "large" : "small");
    const std::string first = names.empty() ? "" : names.front();
    if (batch) { names.insert(names.begin(), "N"); }
    if (!names.empty()) { text += fmt::format(", and {} = {}", fmt::join(names, " = "), n); }
    if (batch) {
        text += large ? ": is the mean over the batch missing" : ": has the batch been averaged twice";
        if (!first.empty()) { text += fmt::format(", or is the error in a sum over {}", first); }
        return text + "?";
    }
    if (!first.empty()) {
        return text +
               (large ? fmt::format(": is a sum over {} in the wrong loop, or a mean over {} missing?", first, first)
                      : fmt::format(": has something been divided by {} too often, or a sum over {} left out?", first,
                                    first));
    }
    if (large) { return text + fmt::format(": is a factor 1/{} missing?", n); }
    return text + (n == 2 ? ": is a factor 2 missing, from a square or a second path?"
                          : fmt::format(": is a factor {} missing?", n));
}

/// An empty string if the factor is too close to 1 to be the cause.
std::string factor_hint(double factor, double closeness, const HintContext& context) {
    if (std::abs(factor - 1) <= std::max(1e-4, 10 * closeness)) { return ""; }
    if (std::abs(factor + 1) <= closeness) { return "every entry has the wrong sign"; }
    if (factor < 0) {
        return fmt::format("every entry is {:.6g} times the numeric one: a sign and a factor are wrong", factor);
    }
    if (const long n = whole_number(factor, closeness)) { return whole_factor_hint(n, true, context); }
    if (const long n = whole_number(1 / factor, closeness)) { return whole_factor_hint(n, false, context); }
    return fmt::format("every entry is {:.6g} times the numeric one: a constant factor is wrong", factor);
}

/// A hint if a - c is the same number in every entry.
std::string difference_hint(const Tensor<double>& a, const Tensor<double>& c, double allowed) {
    const double difference = a.data()[0] - c.data()[0];
    if (a.size() < 3 || std::abs(difference) <= allowed) { return ""; }
    for (std::size_t i = 0; i < a.size(); ++i) {
        if (!(std::abs(a.data()[i] - c.data()[i] - difference) <= allowed)) { return ""; }
    }
    return fmt::format("analytic - numeric = {:.6g} in every entry: is a constant term {}?", difference,
                       difference > 0 ? "added that should not be, or subtracted too little"
                                      : "missing, or subtracted that should not be");
}

/// The largest |a_i - c_i| / |c_i|; infinite if an entry of c is zero and that of a is not.
double largest_relative_error(const Tensor<double>& a, const Tensor<double>& c) {
    double largest = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
        const double error = std::abs(a.data()[i] - c.data()[i]);
        if (error > 0) { largest = std::max(largest, error / std::abs(c.data()[i])); }
    }
    return largest;
}

/// A hint if every entry has some right digits: no factor, sign or term of the formula is wrong then.
std::string digits_hint(const Tensor<double>& a, const Tensor<double>& c) {
    const double error = largest_relative_error(a, c);
    if (!(error > 0 && error <= 1e-4)) { return ""; }
    return fmt::format(
        "every entry is right to {:.0f} digits: is a small number (a step, an eps) in the wrong place or "
        "not undone, or is a float where a double should be?",
        std::floor(-std::log10(error)));
}

/// True if a is c with the last axis, or the last two axes, in reverse order.
bool is_flipped(const Tensor<double>& a, const Tensor<double>& c, std::size_t axes, double allowed) {
    const Shape shape = c.shape();
    if (shape.size() < axes) { return false; }
    std::size_t run = 1;
    for (std::size_t axis = shape.size() - axes; axis < shape.size(); ++axis) {
        if (shape[axis] < 2) { return false; }
        run *= shape[axis];
    }
    for (std::size_t i = 0; i < a.size(); ++i) { // the reverse of both axes is the reverse of their run of entries
        const std::size_t mirrored = i / run * run + (run - 1 - i % run);
        if (!(std::abs(a.data()[i] - c.data()[mirrored]) <= allowed)) { return false; }
    }
    return true;
}

/// A hint if a is c with two axes exchanged. That of a matrix is a transpose, which has a hint of its own.
std::string swapped_axes_hint(const Tensor<double>& a, const Tensor<double>& c, double allowed) {
    for (std::size_t second = 1; c.dimension() > 2 && second < c.dimension(); ++second) {
        for (std::size_t first = 0; first < second; ++first) {
            if (c.shape(first) != c.shape(second) || c.shape(first) < 2) { continue; }
            std::vector<std::size_t> axes(c.dimension());
            for (std::size_t axis = 0; axis < axes.size(); ++axis) { axes[axis] = axis; }
            std::swap(axes[first], axes[second]);
            if (is_equal(a, Tensor<double>(xt::transpose(c, axes)), allowed)) {
                return fmt::format("the analytic gradient is the numeric one with axes {} and {} exchanged: are two "
                                   "indices swapped?",
                                   first, second);
            }
        }
    }
    return "";
}

/// True if the entries differ from each other; a constant is no pattern.
bool is_varied(const Tensor<double>& t) {
    return std::adjacent_find(t.begin(), t.end(), std::not_equal_to<>()) != t.end();
}

/// A hint if an input is missing or superfluous in every entry, as a factor or as a term.
std::string input_hint(const Tensor<double>& a, const Tensor<double>& c, double allowed, const HintContext& context) {
    for (const auto& [name, t] : context.inputs) {
        if (t.shape() != c.shape() || t.size() < 3 || !is_varied(t)) { continue; }
        if (is_equal(a, t, allowed)) { return fmt::format("the analytic gradient is a copy of {}", name); }
        if (is_equal(Tensor<double>(a * t), c, allowed)) {
            return fmt::format("every entry lacks the factor {}", name);
        }
        if (is_equal(a, Tensor<double>(c * t), allowed)) {
            return fmt::format("every entry has the factor {} once too often", name);
        }
        if (is_equal(Tensor<double>(a + t), c, allowed)) { return fmt::format("every entry lacks the term {}", name); }
        if (is_equal(a, Tensor<double>(c + t), allowed)) {
            return fmt::format("every entry has the term {} once too often", name);
        }
    }
    return "";
}

/// A hint if exactly the entries (n, y_n) are wrong.
std::string label_hint(const Shape& shape, const std::vector<std::size_t>& wrong, const Labels& labels) {
    if (shape.size() != 2 || labels.size() != shape[0] || wrong.size() != shape[0] || shape[0] < 2) { return ""; }
    for (std::size_t n = 0; n < shape[0]; ++n) {
        if (wrong[n] != n * shape[1] + static_cast<std::size_t>(labels(n))) { return ""; }
    }
    return "only the entries of the true classes are wrong, one in each row: is 1 subtracted there, and before the "
           "division by N?";
}

/// "the last row" for the last or the first index of an axis.
std::string name_of_slice(const Shape& shape, std::size_t axis, bool last) {
    const std::string which = last ? "last" : "first";
    if (shape.size() == 1) { return "the " + which + " entry"; }
    if (shape.size() == 2) { return "the " + which + (axis == 0 ? " row" : " column"); }
    return fmt::format("index {} of axis {}", last ? shape[axis] - 1 : 0, axis);
}

/// A hint if exactly the entries with the last or the first index of one axis are wrong.
std::string end_wrong_hint(const Shape& shape, const std::vector<std::size_t>& wrong) {
    std::size_t size = 1;
    for (const std::size_t extent : shape) { size *= extent; }
    for (std::size_t axis = 0; axis < shape.size(); ++axis) {
        if (shape[axis] < 3 || wrong.size() != size / shape[axis]) { continue; }
        for (const bool last : {true, false}) {
            const std::size_t index = last ? shape[axis] - 1 : 0;
            if (std::all_of(wrong.begin(), wrong.end(),
                            [&](std::size_t position) { return indices(shape, position)[axis] == index; })) {
                return fmt::format("only {} is wrong: does a loop {}?", name_of_slice(shape, axis, last),
                                   last ? "end one turn too early" : "begin at 1 instead of 0");
            }
        }
    }
    return "";
}

/// A hint if exactly the entries with the last index of one axis are right.
std::string last_right_hint(const Shape& shape, const std::vector<std::size_t>& wrong) {
    std::size_t size = 1;
    for (const std::size_t extent : shape) { size *= extent; }
    for (std::size_t axis = 0; axis < shape.size(); ++axis) {
        const std::size_t last = shape[axis] - 1;
        if (shape[axis] < 3 || wrong.size() != size / shape[axis] * last) { continue; }
        if (std::any_of(wrong.begin(), wrong.end(),
                        [&](std::size_t position) { return indices(shape, position)[axis] == last; })) {
            continue;
        }
        return fmt::format("only {} is right: does each turn of a loop overwrite the result of the turn before, or "
                           "does a loop begin too late?",
                           name_of_slice(shape, axis, true));
    }
    return "";
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

bool is_equal(const Tensor<double>& a, const Tensor<double>& b, double allowed) {
    for (std::size_t i = 0; i < a.size(); ++i) {
        if (!(std::abs(a.data()[i] - b.data()[i]) <= allowed)) { return false; }
    }
    return true;
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

std::string mistake_hint(const Tensor<double>& analytic, const Tensor<double>& numeric, Tolerance tolerance,
                         const HintContext& context) {
    // Both results are computed from the same numbers, so they agree to rounding errors.
    const double closeness = 10 * (tolerance.relative + tolerance.entrywise);
    const auto same = [closeness](const Tensor<double>& a, const Tensor<double>& b) {
        double largest = 0;
        for (const double value : b) {
            if (std::isfinite(value)) { largest = std::max(largest, std::abs(value)); }
        }
        const double allowed = closeness * largest;
        return a.shape() == b.shape() && std::equal(a.begin(), a.end(), b.begin(), [allowed](double u, double v) {
                   return u == v || std::abs(u - v) <= allowed || (std::isnan(u) && std::isnan(v));
               });
    };
    for (const auto& [result, cause] : context.mistakes) {
        if (same(analytic, result) && !same(result, numeric)) { return cause; }
    }
    return "";
}

std::string hint(const Tensor<double>& analytic, const Tensor<double>& numeric, const Report& report,
                 const std::vector<std::size_t>& wrong, const HintContext& context) {
    const double closeness = pattern_tolerance(report.tolerance);
    const double allowed = closeness * report.largest_numeric;
    if (report.kinks.empty()) { // patterns of the whole tensor
        if (is_transposed(analytic, numeric, allowed)) {
            return "the analytic gradient is the transpose of the numeric one";
        }
        const double factor = common_factor(analytic, numeric, closeness);
        std::string text = factor == 0 ? "" : factor_hint(factor, closeness, context);
        if (!text.empty()) { return text; }
        text = digits_hint(analytic, numeric);
        if (!text.empty()) { return text; }
        text = difference_hint(analytic, numeric, allowed);
        if (!text.empty()) { return text; }
        text = input_hint(analytic, numeric, allowed, context);
        if (!text.empty()) { return text; }
        text = swapped_axes_hint(analytic, numeric, allowed);
        if (!text.empty()) { return text; }
        for (const std::size_t axes : {2, 1}) {
            if (is_flipped(analytic, numeric, axes, allowed)) {
                return fmt::format("the analytic gradient is the numeric one with the last {} in reverse order: is a "
                                   "kernel flipped?",
                                   axes == 1 ? "axis" : "two axes");
            }
        }
    }
    if (wrong.size() == report.compared) { return ""; }
    std::string text = report.kinks.empty() ? end_wrong_hint(report.shape, wrong) : "";
    if (text.empty()) { text = mask_hint(analytic, numeric, report, wrong); }
    if (text.empty()) { text = label_hint(report.shape, wrong, context.labels); }
    if (text.empty() && report.kinks.empty()) { text = last_right_hint(report.shape, wrong); }
    return text.empty() ? slice_hint(report.shape, wrong) : text;
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
