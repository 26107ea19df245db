#include "handgrad/check/exercise.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <iostream>
#include <string_view>
#include <typeinfo>

#include <cxxabi.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "by_hand.hpp"
#include "limits.hpp"

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

/// The five worst entries as a table.
std::string table_of_worst(const Report& report) {
    std::size_t width = 5;
    for (const auto& entry : report.worst) {
        width = std::max(width, entry_name(report.name, report.shape, entry.position).size());
    }
    std::string text = fmt::format("  {:<{}}  {:>14}  {:>14}  {:>8}\n", "entry", width, "got", "expected", "error");
    for (const auto& entry : report.worst) {
        text += fmt::format("  {:<{}}  {:>14.7g}  {:>14.7g}  {:>8.1e}\n",
                            entry_name(report.name, report.shape, entry.position), width, entry.analytic, entry.numeric,
                            entry.error);
    }
    return text;
}

/// The inputs of a case, the expected result, and the reader's, whose wrong entries have a star.
std::string listing(const std::vector<Input>& inputs, const Report& report, const Tensor<double>& got,
                    const Tensor<double>& expected) {
    std::vector<Listed> values;
    for (const Input& input : inputs) { values.push_back({input.name, input.value, input.text, {}}); }
    std::vector<bool> starred;
    for (std::size_t i = 0; got.shape() == expected.shape() && i < got.size(); ++i) {
        const double allowed = report.tolerance.relative * report.largest_numeric +
                               report.tolerance.entrywise * std::abs(expected.data()[i]);
        starred.push_back(!(std::abs(got.data()[i] - expected.data()[i]) <= allowed));
    }
    values.push_back({"expected " + report.name, expected, "", {}});
    if (got.size() == 0) {
        values.push_back({"your " + report.name, {}, "no entries", {}});
    } else {
        values.push_back({"your " + report.name, got, "", starred});
    }
    return list_values(values);
}

/// "dx (2, 3) by hand: 4 of 6 entries are wrong", or that the shapes differ.
std::string headline(const Report& report, const std::string& named) {
    if (report.worst.empty()) { return fmt::format("{}: {}\n", named, in_plain_words(report.why)); }
    if (report.shape.empty()) { return named + " is wrong\n"; }
    return fmt::format("{} has shape {}: {} of {} entries are wrong\n", named, to_string(report.shape), report.wrong,
                       report.compared);
}

/// The last line of an exception's message. In xtensor's messages, file and line of a header precede it.
std::string last_line(const std::string& message) {
    const std::size_t end = message.find_last_not_of(" \t\n");
    if (end == std::string::npos) { return "without a message"; }
    const std::size_t line = message.rfind('\n', end);
    const std::size_t begin = message.find_first_not_of(" \t", line == std::string::npos ? 0 : line + 1);
    return message.substr(begin, end + 1 - begin);
}

/// The name of the type of the exception that a catch (...) has caught: "int".
std::string type_of_current_exception() {
    const std::type_info* type = abi::__cxa_current_exception_type();
    if (type == nullptr) { return "unknown"; }
    int status = 0;
    char* name = abi::__cxa_demangle(type->name(), nullptr, nullptr, &status);
    std::string text = status == 0 ? name : type->name();
    std::free(name);
    return text;
}

void indent(const std::string& text, std::ostream& out) {
    for (std::size_t begin = 0, end = 0; begin < text.size(); begin = end + 1) {
        end = std::min(text.find('\n', begin), text.size());
        out << "  " << text.substr(begin, end - begin) << '\n';
    }
}

} // namespace

Input::Input(std::string name_, const Labels& y) : name(std::move(name_)), value(Tensor<double>(y)) {}

void Exercise::by_hand(std::vector<Input> inputs) {
    begin("by hand", std::move(inputs));
    listed_ = true;
}

void Exercise::begin(std::string name, std::vector<Input> inputs) {
    ++case_;
    case_name_ = std::move(name);
    listed_ = false;
    inputs_ = std::move(inputs);
    otherwise_.clear();
    context_ = {};
    for (const Input& input : inputs_) {
        if (input.text.empty()) { context_.inputs.emplace_back(input.name, input.value); }
    }
}

std::string Exercise::named(const std::string& result) const {
    return case_name_.empty() ? result : result + " " + case_name_;
}

HintContext Exercise::context(const std::string& name, const Mistakes& mistakes) const {
    HintContext result = context_;
    for (const Mistake& mistake : mistakes) {
        result.mistakes.emplace_back(mistake.result, "your " + name + " is what one gets when " + mistake.cause);
    }
    return result;
}

void Exercise::add_fault(const std::string& text) {
    if (faults_.empty()) { first_wrong_case_ = case_; }
    if (case_ == first_wrong_case_) { ++faults_of_first_; }
    faults_.push_back(text);
}

void Exercise::add(Report report, const Tensor<double>& got, const Tensor<double>& expected) {
    compared_ = true;
    const std::string name = named(report.name);
    if (report.passed()) {
        right_.push_back(name);
        return;
    }
    wrong_ = wrong_ || report.wrong > 0;
    std::string text = headline(report, name);
    if (listed_) {
        text += listing(inputs_, report, got, expected);
        inputs_.clear(); // listed once
    } else if (!report.worst.empty()) {
        text += table_of_worst(report);
    }
    if (report.hint.empty() && report.why.find("zero everywhere") != std::string::npos) {
        report.hint = "nothing but zeros: is it still the stub?";
    }
    if (report.hint.empty()) { report.hint = otherwise_; }
    if (!report.hint.empty()) { text += "hint: " + in_plain_words(report.hint) + "\n"; }
    add_fault(text);
}

void Exercise::value(const std::string& name, const Tensor<double>& got, const Tensor<double>& expected,
                     const Mistakes& mistakes, Tolerance tolerance) {
    add(compare(name, got, expected, context(name, mistakes), tolerance), got, expected);
}

void Exercise::value(const std::string& name, double got, double expected, const Mistakes& mistakes,
                     Tolerance tolerance) {
    value(name, full<double>({}, got), full<double>({}, expected), mistakes, tolerance);
}

void Exercise::require(const std::string& name, bool right, const std::string& fault) {
    compared_ = true;
    if (right) {
        right_.push_back(named(name));
        return;
    }
    wrong_ = true;
    add_fault(fault);
}

std::string Exercise::report() const {
    std::string text;
    if (!faults_.empty() && !right_.empty()) { text += fmt::format("right: {}\n", fmt::join(right_, "; ")); }
    // The first faults are closest to the error. More of them would distract.
    const std::size_t shown = std::min<std::size_t>(faults_of_first_, 2);
    for (std::size_t i = 0; i < shown; ++i) {
        text += faults_[i];
        if (!faults_[i].empty() && faults_[i].back() != '\n') { text += '\n'; }
    }
    return shown < faults_.size() ? text + fmt::format("and {} more wrong\n", faults_.size() - shown) : text;
}

void Exercises::add(std::string number, std::string function, std::string file, std::function<void(Exercise&)> check) {
    entries_.push_back({std::move(number), std::move(function), std::move(file), std::move(check)});
}

Exercises::Outcome Exercises::mark(const Entry& entry) {
    Outcome outcome;
    try {
        entry.check(outcome.exercise);
    } catch (const std::exception& error) { outcome.exception = last_line(error.what()); } catch (...) {
        outcome.exception = "of type " + type_of_current_exception();
    }
    return outcome;
}

int Exercises::write_list(std::ostream& out) const {
    auto list = nlohmann::json::array();
    for (const Entry& entry : entries_) {
        list.push_back({{"exercise", entry.number}, {"function", entry.function}, {"file", entry.file}});
    }
    out << list.dump() << std::endl;
    return 0;
}

int Exercises::write_result(const Entry& entry, const std::string& file, std::ostream& errors) {
    const Outcome outcome = mark(entry);
    const nlohmann::json result = {{"exercise", entry.number},
                                   {"passed", outcome.passed()},
                                   {"exception", outcome.exception},
                                   {"report", outcome.exercise.report()}};
    std::ofstream stream(file);
    stream << result.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) << '\n' << std::flush;
    if (!stream) {
        errors << "check: " << file << ": the result could not be written\n";
        return 2;
    }
    return outcome.passed() ? 0 : 1;
}

int Exercises::run(const std::vector<std::string>& arguments, std::ostream& out, std::ostream& errors) const {
    bool expect_all_fail = false;
    std::string result;
    std::vector<const Entry*> wanted;
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        const std::string& argument = arguments[i];
        const auto entry =
            std::find_if(entries_.begin(), entries_.end(), [&](const Entry& e) { return e.number == argument; });
        if (argument == "--list" && arguments.size() == 1) { return write_list(out); }
        if (argument == "--expect-all-fail") {
            expect_all_fail = true;
        } else if (argument == "--result" && i + 1 < arguments.size()) {
            result = arguments[++i];
        } else if (entry != entries_.end()) {
            wanted.push_back(&*entry);
        } else {
            std::string known;
            for (const Entry& e : entries_) { known += " " + e.number; }
            errors << "check: " << argument << " is no coding exercise; expected any of" << known << '\n';
            return 2;
        }
    }
    if (!result.empty()) {
        if (wanted.size() == 1 && !expect_all_fail) { return write_result(*wanted.front(), result, errors); }
        errors << "check: --result takes a file and one exercise, not " << wanted.size() << '\n';
        return 2;
    }

    std::size_t count = 0, passed = 0, as_expected = 0;
    for (const Entry& entry : entries_) {
        if (!wanted.empty() && std::find(wanted.begin(), wanted.end(), &entry) == wanted.end()) { continue; }
        out << fmt::format("{:<5} {:<28} ", entry.number, entry.function)
            << std::flush; // if the exercise crashes, the last line names it
        const Outcome outcome = mark(entry);
        const bool right = outcome.passed();
        ++count;
        passed += right ? 1 : 0;
        as_expected += outcome.exercise.wrong() && outcome.exception.empty() ? 1 : 0;
        out << (right ? "passed" : "FAILED") << std::endl;
        if (expect_all_fail && right) {
            out << fmt::format("  {} is solved: well done! Restore the stub exercises/{} before you commit.\n",
                               entry.number, entry.file);
        }
        if (expect_all_fail && !right && !outcome.exercise.wrong()) { out << "  a stub must return wrong numbers\n"; }
        if (!outcome.exception.empty()) { out << "  an exception: " << outcome.exception << '\n'; }
        if (right || expect_all_fail) { continue; }
        indent(outcome.exercise.report(), out);
        out << "  to fix in exercises/" << entry.file << "\n\n";
    }
    if (expect_all_fail) {
        out << fmt::format("{} of {} stubs fail as they should\n", as_expected, count);
        return as_expected == count && count > 0 ? 0 : 1;
    }
    out << fmt::format("{} of {} exercises passed\n", passed, count);
    return passed == count && count > 0 ? 0 : 1;
}

int Exercises::main(int argc, char** argv) const {
    const std::vector<std::string> arguments(argv + 1, argv + argc);
    const auto result = std::find(arguments.begin(), arguments.end(), "--result");
    if (result != arguments.end() && result + 1 != arguments.end()) { limit_resources(*(result + 1)); }
    return run(arguments, std::cout, std::cerr);
}

} // namespace handgrad::check
