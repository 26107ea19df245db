#pragma once
// A program's options: what they accept, how they are explained, and the reading of argv.

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "handgrad/app/program.hpp"

namespace handgrad::app {

struct Option {
    std::string name;                                    ///< "--epochs"
    std::string placeholder;                             ///< "N" in the help; empty for a flag
    std::string help;                                    ///< what it means, in a few words
    std::string expected;                                ///< "a whole number from 1 to 1000000"
    std::function<bool(const std::string&)> set;         ///< takes the text over; false if it is not what is expected
    std::function<Value()> value;                        ///< as it stands now
    std::function<std::string()> default_text = nullptr; ///< for the help, where value() does not say it well
};

/// The text as a whole number between min and max; nothing else before or after it. @returns whether it was one.
bool parse_integer(const std::string& text, std::int64_t min, std::int64_t max, std::int64_t& number);
/// The same for a number that may have a fraction and an exponent; NaN and infinity are none.
bool parse_number(const std::string& text, double min, double max, double& number);

/// Sets the options from argv. @throws UsageError without the program's name in front.
Request parse_command_line(int argc, const char* const* argv, const std::vector<Option>& options);

/// The value in the fewest words that read back as the same; empty for a list, which no option has.
std::string to_text(const Value& value);

std::string help_text(std::string_view program, std::string_view title, const std::vector<Option>& options);

} // namespace handgrad::app
