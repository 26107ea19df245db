#pragma once
/// @file
/// Compares what a chapter printed with what it is expected to print: text exactly, numbers within tolerances, numbers
/// that belong to the machine not at all.
///
/// - A number is whole ("60000") or has a fraction or an exponent ("-0.5", "1e-5"), or is "nan" or "inf". Digits that
///   belong to a word ("conv1", "w2", "float32") are text.
/// - Whole numbers must be equal. For others |actual - expected| <= atol + rtol * |expected|. nan equals nan alone.
/// - Blanks on either side of a number count as one blank, at the start and end of a line as none.
/// - "~12.5" is a number of the machine: there must be one in the same place, finite, of any value.
/// - A line "# handgrad ..." must be there in both; what it says is not compared.
/// - Rules give the lines of the expected output that match a regular expression other tolerances, for whole numbers
///   too, or mask them. The first rule that matches counts; a rule that matches no line is an error.
/// - A rule "optional" is for lines that only some machines print, such as a GPU's row of a table: lines that match it
///   may be there or not, in both outputs, and are not compared.

#include <cstddef>
#include <regex>
#include <string>
#include <string_view>
#include <vector>

namespace handgrad::chapters {

struct Tolerance {
    double rtol = 1e-6, atol = 1e-9;
};

struct Rule {
    std::string text; ///< the regular expression, as written
    std::regex pattern;
    bool mask = false;
    bool optional = false;
    Tolerance tolerance;
};

/// Lines of "REGEX rtol atol", "REGEX mask" or "REGEX optional"; blank lines and lines that start with '#' say nothing.
/// @throws std::invalid_argument with the line's number.
std::vector<Rule> parse_rules(std::string_view text);

struct Token {
    enum class Kind { text, whole, real, machine } kind;
    std::string text;
    double value = 0;
};

/// A line as text and numbers in turn, blanks beside numbers reduced.
std::vector<Token> tokenize(std::string_view line);

struct Report {
    std::size_t differences = 0; ///< lines that differ, are missing, or are too many; rules that match nothing
    std::string text;            ///< one paragraph for each of the first of them
};

/// Compares two outputs. Where nothing is expected, nothing could be compared: that is a difference, too.
Report compare(std::string_view expected, std::string_view actual, Tolerance tolerance,
               const std::vector<Rule>& rules = {});

} // namespace handgrad::chapters
