#include "handgrad/check/exercise.hpp"

#include <algorithm>
#include <exception>
#include <iostream>
#include <string_view>

#include <fmt/format.h>

namespace handgrad::check {

using handgrad::to_string; // of a shape

namespace {

/// Replaces the terms of a gradient check in a hint: an exercise may also be about something other than a gradient.
std::string in_plain_words(std::string hint) {
    const std::pair<std::string_view, std::string_view> words[] = {
        {"analytic gradient", "result"}, {"analytic", "got"}, {"numeric", "expected"}};
    for (const auto& [word, plain] : words) {
        for (std::size_t at = 0; (at = hint.find(word, at)) != std::string::npos; at += plain.size()) {
            hint.replace(at, word.size(), plain);
        }
    }
    return hint;
}

std::string fault(const Report& report) {
    if (report.worst.empty()) { // the shapes differ, or there is no entry to compare
        std::string text = fmt::format("{}: {}\n", report.name, in_plain_words(report.why));
        return report.hint.empty() ? text : text + "hint: " + in_plain_words(report.hint) + "\n";
    }
    std::string text = fmt::format("{} {}: {} of {} entries are wrong\n", report.name, to_string(report.shape),
                                   report.wrong, report.compared);
    if (report.shape.empty()) { text = report.name + " is wrong\n"; }
    std::size_t width = 5;
    for (const auto& entry : report.worst) {
        width = std::max(width, entry_name(report.name, report.shape, entry.position).size());
    }
    text += fmt::format("  {:<{}}  {:>14}  {:>14}  {:>8}\n", "entry", width, "got", "expected", "error");
    for (const auto& entry : report.worst) {
        text += fmt::format("  {:<{}}  {:>14.7g}  {:>14.7g}  {:>8.1e}\n",
                            entry_name(report.name, report.shape, entry.position), width, entry.analytic, entry.numeric,
                            entry.error);
    }
    if (!report.hint.empty()) {
        text += "hint: " + in_plain_words(report.hint) + "\n";
    } else if (report.why.find("zero everywhere") != std::string::npos) {
        text += "hint: nothing but zeros: is it the stub still?\n";
    }
    return text;
}

/// The last line of an exception's message. In xtensor's messages, file and line of a header precede it.
std::string last_line(const std::string& message) {
    const std::size_t end = message.find_last_not_of(" \t\n");
    if (end == std::string::npos) { return "without a message"; }
    const std::size_t line = message.rfind('\n', end);
    const std::size_t begin = message.find_first_not_of(" \t", line == std::string::npos ? 0 : line + 1);
    return message.substr(begin, end + 1 - begin);
}

void indent(const std::string& text, std::ostream& out) {
    for (std::size_t begin = 0, end = 0; begin < text.size(); begin = end + 1) {
        end = std::min(text.find('\n', begin), text.size());
        out << "  " << text.substr(begin, end - begin) << '\n';
    }
}

} // namespace

void Exercise::add(const Report& report) {
    compared_ = true;
    if (report.passed()) { return; }
    wrong_ = wrong_ || report.wrong > 0;
    faults_.push_back(fault(report));
}

void Exercise::value(const std::string& name, const Tensor<double>& got, const Tensor<double>& expected,
                     Tolerance tolerance) {
    add(compare(name, got, expected, context_, tolerance));
}

void Exercise::value(const std::string& name, double got, double expected, Tolerance tolerance) {
    add(compare(name, full<double>({}, got), full<double>({}, expected), context_, tolerance));
}

void Exercise::require(bool right, const std::string& fault) {
    compared_ = true;
    if (right) { return; }
    wrong_ = true;
    faults_.push_back(fault);
}

void Exercises::add(std::string number, std::string function, std::string file, std::function<void(Exercise&)> check) {
    entries_.push_back({std::move(number), std::move(function), std::move(file), std::move(check)});
}

int Exercises::run(const std::vector<std::string>& arguments, std::ostream& out, std::ostream& errors) const {
    bool summary = false;
    bool expect_all_fail = false;
    std::vector<std::string> wanted;
    for (const std::string& argument : arguments) {
        if (argument == "--summary") {
            summary = true;
        } else if (argument == "--expect-all-fail") {
            expect_all_fail = true;
        } else if (std::any_of(entries_.begin(), entries_.end(),
                               [&](const Entry& e) { return e.number == argument; })) {
            wanted.push_back(argument);
        } else {
            std::string known;
            for (const Entry& entry : entries_) { known += " " + entry.number; }
            errors << "check: " << argument << " is no coding exercise; expected any of" << known << '\n';
            return 2;
        }
    }

    std::size_t count = 0, passed = 0, as_expected = 0;
    for (const Entry& entry : entries_) {
        if (!wanted.empty() && std::find(wanted.begin(), wanted.end(), entry.number) == wanted.end()) { continue; }
        out << fmt::format("{:<5} {:<28} ", entry.number, entry.function)
            << std::flush; // if the exercise crashes, the last line names it
        Exercise exercise;
        std::string exception;
        try {
            entry.check(exercise);
        } catch (const std::exception& error) { exception = last_line(error.what()); }
        const bool right = exercise.passed() && exception.empty();
        ++count;
        passed += right ? 1 : 0;
        as_expected += exercise.wrong() && exception.empty() ? 1 : 0;
        out << (right ? "passed" : "FAILED") << std::endl;
        if (expect_all_fail && right) {
            out << fmt::format("  {} is solved: well done! Restore the stub exercises/{} before you commit.\n",
                               entry.number, entry.file);
        }
        if (expect_all_fail && !right && !exercise.wrong()) { out << "  a stub must return wrong numbers\n"; }
        if (!exception.empty() && !summary) { out << "  an exception: " << exception << '\n'; }
        if (right || summary || expect_all_fail) { continue; }
        // The first faults are closest to the error. More of them would distract.
        const auto& faults = exercise.faults();
        const std::size_t shown = std::min<std::size_t>(faults.size(), 2);
        for (std::size_t i = 0; i < shown; ++i) { indent(faults[i], out); }
        if (shown < faults.size()) { out << fmt::format("  and {} more\n", faults.size() - shown); }
        out << "  to be mended in exercises/" << entry.file << "\n\n";
    }
    if (expect_all_fail) {
        out << fmt::format("{} of {} stubs fail as they should\n", as_expected, count);
        return as_expected == count && count > 0 ? 0 : 1;
    }
    if (!summary) { out << fmt::format("{} of {} exercises passed\n", passed, count); }
    return passed == count && count > 0 ? 0 : 1;
}

int Exercises::main(int argc, char** argv) const {
    return run(std::vector<std::string>(argv + 1, argv + argc), std::cout, std::cerr);
}

} // namespace handgrad::check
