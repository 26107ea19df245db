#include "handgrad/check/report.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <tuple>

#include <fmt/format.h>

#include "hints.hpp"

namespace handgrad::check {

using handgrad::to_string; // of a shape

namespace {

constexpr std::size_t rows_of_table = 5;

Entry make_entry(std::size_t position, double analytic, double numeric) {
    Entry entry{position, analytic, numeric, std::abs(analytic - numeric), 0, 0};
    const double size = std::max(std::abs(analytic), std::abs(numeric));
    entry.relative = size == 0 ? 0 : entry.error / size;
    return entry;
}

/// Rounds to six digits, so that errors that differ by rounding only are sorted by their positions.
double six_digits(double error) {
    int exponent = 0;
    const double mantissa = std::frexp(error, &exponent);
    return std::ldexp(std::round(mantissa * 0x1p20), exponent);
}

void keep_worst(Report& report, std::vector<Entry> entries) {
    const std::size_t kept = std::min(rows_of_table, entries.size());
    std::partial_sort(entries.begin(), entries.begin() + static_cast<std::ptrdiff_t>(kept), entries.end(),
                      [](const Entry& a, const Entry& b) {
                          const bool a_wrong = !(a.excess <= 1);
                          const bool b_wrong = !(b.excess <= 1);
                          const double a_error = six_digits(a.error);
                          const double b_error = six_digits(b.error);
                          return std::tie(b_wrong, b_error, a.position) < std::tie(a_wrong, a_error, b.position);
                      });
    entries.resize(kept);
    report.worst = std::move(entries);
}

/// Computes the report's largest_numeric and errors, and the excess of every entry.
std::vector<std::size_t> measure(Report& report, std::vector<Entry>& entries, Expect expect) {
    for (const Entry& entry : entries) {
        report.largest_numeric = std::max(report.largest_numeric, std::abs(entry.numeric));
    }
    std::vector<std::size_t> wrong;
    for (Entry& entry : entries) {
        double deviation = entry.error;
        double allowed =
            report.tolerance.relative * report.largest_numeric + report.tolerance.entrywise * std::abs(entry.numeric);
        if (expect == Expect::zero) {
            deviation = std::max(std::abs(entry.analytic), std::abs(entry.numeric));
            allowed = report.tolerance.relative;
        }
        if (!(deviation <= allowed)) { wrong.push_back(entry.position); }
        entry.excess = deviation == 0 ? 0 : deviation / allowed;
        report.max_absolute_error = std::max(report.max_absolute_error, entry.error);
        report.max_relative_error = std::max(report.max_relative_error, entry.relative);
    }
    report.wrong = wrong.size();
    return wrong;
}

std::string reason(const Report& report, bool analytic_is_zero, Expect expect) {
    if (expect == Expect::zero) {
        return report.wrong == 0 ? "" : fmt::format("{} of {} entries are not zero", report.wrong, report.compared);
    }
    if (analytic_is_zero && report.largest_numeric == 0) {
        return "both gradients are zero everywhere, which proves nothing (say Expect::zero if it is right)";
    }
    if (analytic_is_zero) { return "the analytic gradient is zero everywhere"; }
    if (report.largest_numeric == 0) {
        return "the numeric gradient is zero everywhere: does the function use its argument?";
    }
    return report.wrong == 0 ? ""
                             : fmt::format("{} of {} entries differ by more than the tolerance allows", report.wrong,
                                           report.compared);
}

/// compare_all() without the hints of known mistakes.
Report compare_entries(const std::string& name, const Tensor<double>& analytic, const Tensor<double>& numeric,
                       std::vector<Kink> kinks, Tolerance tolerance, Expect expect, const HintContext& context) {
    Report report;
    report.name = name;
    report.shape = analytic.shape();
    report.tolerance = tolerance;
    if (analytic.shape() != numeric.shape()) {
        report.why = fmt::format("the analytic gradient has shape {}, the numeric one {}", to_string(analytic.shape()),
                                 to_string(numeric.shape()));
        double largest = 0;
        for (std::size_t i = 0; i < numeric.size(); ++i) { largest = std::max(largest, std::abs(numeric.data()[i])); }
        if (is_transposed(analytic, numeric, pattern_tolerance(tolerance) * largest)) {
            report.hint = "the analytic gradient is the transpose of the numeric one";
        }
        return report;
    }
    if (analytic.size() == 0) {
        report.why = "nothing was compared: the tensor is empty";
        return report;
    }

    report.kinks = std::move(kinks);
    std::vector<Entry> entries;
    std::vector<Entry> not_finite;
    auto kink = report.kinks.begin();
    bool analytic_is_zero = true;
    for (std::size_t i = 0; i < analytic.size(); ++i) {
        const Entry entry = make_entry(i, analytic.data()[i], numeric.data()[i]);
        if (!std::isfinite(entry.analytic) || !std::isfinite(entry.numeric)) {
            not_finite.push_back(entry);
            not_finite.back().excess = std::numeric_limits<double>::infinity();
            not_finite.back().error = std::numeric_limits<double>::infinity(); // NaN cannot be sorted
        }
        if (kink != report.kinks.end() && kink->entry == i) {
            ++kink;
            continue;
        }
        analytic_is_zero = analytic_is_zero && entry.analytic == 0;
        entries.push_back(entry);
    }
    report.compared = entries.size();
    if (!not_finite.empty()) {
        const Entry& first = not_finite.front();
        report.why =
            fmt::format("{} of {} entries are not finite: {} is {}, numerically {}", not_finite.size(), analytic.size(),
                        entry_name(name, report.shape, first.position), first.analytic, first.numeric);
        report.wrong = not_finite.size();
        report.max_absolute_error = std::numeric_limits<double>::infinity();
        report.max_relative_error = std::numeric_limits<double>::infinity();
        keep_worst(report, std::move(not_finite));
        return report;
    }
    if (entries.empty()) {
        report.why = fmt::format("nothing was compared: all {} entries are at kinks", analytic.size());
        return report;
    }

    const std::vector<std::size_t> wrong = measure(report, entries, expect);
    report.why = reason(report, analytic_is_zero, expect);
    keep_worst(report, std::move(entries));
    const bool both_nonzero = !analytic_is_zero && report.largest_numeric > 0;
    if (!report.passed() && expect == Expect::nonzero && both_nonzero) {
        report.hint = hint(analytic, numeric, report, wrong, context);
    }
    return report;
}

Report compare_all(const std::string& name, const Tensor<double>& analytic, const Tensor<double>& numeric,
                   std::vector<Kink> kinks, Tolerance tolerance, Expect expect, const HintContext& context = {}) {
    Report report = compare_entries(name, analytic, numeric, std::move(kinks), tolerance, expect, context);
    if (!report.passed()) {
        const std::string known = mistake_hint(analytic, numeric, tolerance, context);
        if (!known.empty()) { report.hint = known; }
    }
    return report;
}

} // namespace

std::string Report::worst_entry() const { return worst.empty() ? "" : entry_name(name, shape, worst.front().position); }

Report compare(const std::string& name, const Tensor<double>& analytic, const Tensor<double>& numeric,
               Tolerance tolerance, Expect expect) {
    return compare_all(name, analytic, numeric, {}, tolerance, expect);
}

Report compare(const std::string& name, const Tensor<double>& analytic, const Tensor<double>& numeric,
               const HintContext& context, Tolerance tolerance, Expect expect) {
    return compare_all(name, analytic, numeric, {}, tolerance, expect, context);
}

Report compare(const std::string& name, const Tensor<float>& analytic, const Tensor<double>& numeric,
               Tolerance tolerance, Expect expect) {
    return compare_all(name, Tensor<double>(analytic), numeric, {}, tolerance, expect);
}

Report compare(const std::string& name, const Tensor<double>& analytic, const Differences& numeric, Expect expect) {
    return compare_all(name, analytic, numeric.gradient, numeric.kinks, numeric.tolerance, expect);
}

Report compare(const std::string& name, const Tensor<double>& analytic, const Differences& numeric, Tolerance tolerance,
               Expect expect) {
    return compare_all(name, analytic, numeric.gradient, numeric.kinks, tolerance, expect);
}

Report compare(const std::string& name, const Tensor<float>& analytic, const Differences& numeric, Tolerance tolerance,
               Expect expect) {
    return compare_all(name, Tensor<double>(analytic), numeric.gradient, numeric.kinks, tolerance, expect);
}

std::string entry_name(const std::string& name, const Shape& shape, std::size_t position) {
    if (shape.empty()) { return name; }
    std::string text = name;
    char separator = '[';
    for (const std::size_t index : indices(shape, position)) {
        text += fmt::format("{}{}", separator, index);
        separator = ',';
    }
    return text + "]";
}

} // namespace handgrad::check
