#include "handgrad/check/gradient_check.hpp"
#include "handgrad/check/report.hpp"

#include <algorithm>
#include <iostream>
#include <stdexcept>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace handgrad::check {

using handgrad::to_string; // of a shape

namespace {

std::string table_of_worst(const Report& report) {
    std::size_t width = 5;
    for (const Entry& entry : report.worst) {
        width = std::max(width, entry_name(report.name, report.shape, entry.position).size());
    }
    std::string text = fmt::format("  {:<{}}  {:>15}  {:>15}  {:>8}  {:>8}\n", "entry", width, "analytic", "numeric",
                                   "error", "relative");
    for (const Entry& entry : report.worst) {
        text += fmt::format("  {:<{}}  {:>15.8e}  {:>15.8e}  {:>8.1e}  {:>8.1e}\n",
                            entry_name(report.name, report.shape, entry.position), width, entry.analytic, entry.numeric,
                            entry.error, entry.relative);
    }
    return text;
}

std::string list_of_kinks(const Report& report) {
    const bool certain = report.kinks.front().certain;
    std::string text = fmt::format("  {} {}{} not compared:\n", report.kinks.size(), certain ? "" : "possible ",
                                   report.kinks.size() == 1 ? "kink" : "kinks");
    for (const Kink& kink : report.kinks) {
        text += fmt::format("    {}: slope {:.6g} to the left, {:.6g} to the right\n",
                            entry_name(report.name, report.shape, kink.entry), kink.left, kink.right);
    }
    return text;
}

std::string reports_of_failures(const GradientCheck& checker) {
    std::string text;
    for (const Report& report : checker.reports()) {
        if (!report.passed()) { text += "\n" + to_string(report); }
    }
    return text;
}

std::string entries(std::size_t n) { return fmt::format("{} {}", n, n == 1 ? "entry" : "entries"); }

} // namespace

std::string to_string(const Report& report) {
    std::string text = fmt::format("{} {}: ", report.name, to_string(report.shape));
    text += report.passed() ? fmt::format("passed, {} compared\n", entries(report.compared))
                            : fmt::format("FAILED, {}\n", report.why);
    if (!report.worst.empty()) {
        text += fmt::format("  required: |analytic - numeric| <= {:.3g} max|numeric| + {:.3g} |numeric|\n",
                            report.tolerance.relative, report.tolerance.entrywise);
        text += table_of_worst(report);
    }
    if (!report.kinks.empty()) { text += list_of_kinks(report); }
    if (!report.hint.empty()) { text += fmt::format("  hint: {}\n", report.hint); }
    return text;
}

std::ostream& operator<<(std::ostream& out, const Report& report) { return out << to_string(report); }

const Report& GradientCheck::add(Report report) {
    reports_.push_back(std::move(report));
    return reports_.back();
}

bool GradientCheck::passed() const {
    return !reports_.empty() &&
           std::all_of(reports_.begin(), reports_.end(), [](const Report& report) { return report.passed(); });
}

std::string table(const GradientCheck& checker) {
    if (checker.reports().empty()) { return "no gradient was checked\n"; }
    std::size_t name = 8;
    std::size_t shape = 5;
    std::size_t worst = 11;
    for (const Report& report : checker.reports()) {
        name = std::max(name, report.name.size());
        shape = std::max(shape, to_string(report.shape).size());
        worst = std::max(worst, report.worst_entry().size());
    }
    std::string text = fmt::format("{:<{}}  {:<{}}  {:>8}  {:>5}  {:>9}  {:>9}  {:<{}}  verdict\n", "gradient", name,
                                   "shape", shape, "compared", "kinks", "max error", "relative", "worst entry", worst);
    for (const Report& report : checker.reports()) {
        text +=
            fmt::format("{:<{}}  {:<{}}  {:>8}  {:>5}  {:>9.1e}  {:>9.1e}  {:<{}}  {}\n", report.name, name,
                        to_string(report.shape), shape, report.compared, report.kinks.size(), report.max_absolute_error,
                        report.max_relative_error, report.worst_entry(), worst, report.passed() ? "passed" : "FAILED");
    }
    return text;
}

std::string to_string(const GradientCheck& checker) { return table(checker) + reports_of_failures(checker); }

std::ostream& operator<<(std::ostream& out, const GradientCheck& checker) { return out << to_string(checker); }

void require_passed(const GradientCheck& checker, std::ostream& out) {
    if (checker.passed()) { return; }
    if (checker.reports().empty()) { throw std::runtime_error("no gradient was checked, expected at least one"); }
    out << reports_of_failures(checker);
    std::vector<std::string> failed;
    for (const Report& report : checker.reports()) {
        if (!report.passed()) { failed.push_back(report.name); }
    }
    throw std::runtime_error(fmt::format("wrong gradients: {} ({} of {} checked); see the reports above",
                                         fmt::join(failed, ", "), failed.size(), checker.reports().size()));
}

void require_passed(const GradientCheck& checker) { require_passed(checker, std::cout); }

} // namespace handgrad::check
