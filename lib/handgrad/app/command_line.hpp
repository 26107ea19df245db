#pragma once
// The options of a program: their values, their help, and how argv sets them.

#include <charconv>
#include <functional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "handgrad/app/program.hpp"

namespace handgrad::app {

struct Option {
    std::string name;                            ///< "--epochs"
    std::string placeholder;                     ///< "N" in the help; empty for a flag
    std::string help;                            ///< meaning, a phrase
    std::string expected;                        ///< "a whole number from 1 to 1000000"
    std::function<bool(const std::string&)> set; ///< sets the variable; returns false if the text is not as expected
    std::function<Value()> value;                ///< present value
    std::pair<Value, std::string> alias = {};    ///< a default value and the text that stands for it in the help
};

/// Reads the whole text as a number from min to max into `variable`. Returns false if it is not one.
template <class Number, class Variable>
bool parse_number(const std::string& text, Number min, Number max, Variable& variable) {
    Number number{};
    const char* const end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data(), end, number);
    if (error != std::errc() || rest != end || !(min <= number && number <= max)) { return false; } // NaN, too
    variable = number;
    return true;
}

/// Sets the options from argv. @throws UsageError in one line, without the name of the program
Request parse_command_line(int argc, const char* const* argv, const std::vector<Option>& options);

/// Formats a value so that it reads back as the same value.
std::string to_text(const Value& value);

std::string help_text(std::string_view program, std::string_view title, const std::vector<Option>& options);

/// Replaces control characters by spaces and removes line breaks from the end.
std::string one_line(std::string_view text);

} // namespace handgrad::app
