#include "compare.hpp"

#include <charconv>
#include <cmath>
#include <stdexcept>

#include <fmt/format.h>

namespace handgrad::chapters {
namespace {

constexpr const char* blanks = " \t\r";

/// Cuts the last word off `line`, with the blanks before it.
std::string_view take_last_word(std::string_view& line) {
    const std::size_t start = line.find_last_of(blanks) + 1; // npos + 1 is 0
    const auto word = line.substr(start);
    line = line.substr(0, line.substr(0, start).find_last_not_of(blanks) + 1);
    return word;
}

bool parse(std::string_view word, double& number) {
    const char* const end = word.data() + word.size();
    const auto [rest, error] = std::from_chars(word.data(), end, number);
    return error == std::errc() && rest == end && std::isfinite(number) && number >= 0;
}

} // namespace

std::vector<Rule> parse_rules(std::string_view text) {
    std::vector<Rule> rules;
    for (std::size_t number = 1; !text.empty(); ++number) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        const auto whole = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        auto line = whole.substr(0, whole.find_last_not_of(blanks) + 1);
        if (line.empty() || line[0] == '#') { continue; }

        Rule rule;
        const auto last = take_last_word(line);
        rule.mask = last == "mask";
        rule.optional = last == "optional";
        const bool word = rule.mask || rule.optional;
        bool good = word || parse(last, rule.tolerance.atol);
        if (good && !word) { good = parse(take_last_word(line), rule.tolerance.rtol); }
        if (!good || line.empty()) {
            throw std::invalid_argument(fmt::format(
                "line {}: got '{}', expected REGEX RTOL ATOL, REGEX mask or REGEX optional", number, whole));
        }
        rule.text = std::string(line);
        try {
            rule.pattern = std::regex(rule.text);
        } catch (const std::regex_error& error) {
            throw std::invalid_argument(
                fmt::format("line {}: got the regular expression '{}': {}", number, rule.text, error.what()));
        }
        rules.push_back(std::move(rule));
    }
    return rules;
}

} // namespace handgrad::chapters
