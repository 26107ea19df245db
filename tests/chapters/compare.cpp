#include "compare.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <stdexcept>

#include <fmt/format.h>

namespace handgrad::chapters {
namespace {

using Kind = Token::Kind;

constexpr std::size_t most_reported = 20;

struct Line {
    std::string_view text;
    std::vector<Token> tokens;
    bool banner;
    const Rule* rule = nullptr; ///< of expected lines
};

bool is_optional(std::string_view line, const std::vector<Rule>& rules) {
    return std::any_of(rules.begin(), rules.end(), [line](const Rule& rule) {
        return rule.optional && std::regex_search(line.begin(), line.end(), rule.pattern);
    });
}

std::vector<Line> split(std::string_view text, const std::vector<Rule>& rules) {
    std::vector<Line> lines;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        const auto line = text.substr(0, end);
        if (!is_optional(line, rules)) { lines.push_back({line, tokenize(line), line.substr(0, 10) == "# handgrad"}); }
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return lines;
}

double allowed(const Token& expected, Tolerance tolerance) {
    return tolerance.atol + tolerance.rtol * std::abs(expected.value);
}

bool equal(const Token& expected, const Token& actual, Tolerance tolerance, bool by_rule) {
    const bool text = expected.kind == Kind::text || actual.kind == Kind::text;
    const bool machine = expected.kind == Kind::machine || actual.kind == Kind::machine;
    if (text || machine) { return expected.kind == actual.kind && (machine || expected.text == actual.text); }
    if (!by_rule && expected.kind == Kind::whole && actual.kind == Kind::whole) { return expected.text == actual.text; }
    if (std::isnan(expected.value) || std::isnan(actual.value)) {
        return std::isnan(expected.value) && std::isnan(actual.value);
    }
    if (std::isinf(expected.value) || std::isinf(actual.value)) { return expected.value == actual.value; }
    return std::abs(actual.value - expected.value) <= allowed(expected, tolerance);
}

class Comparison {
public:
    Comparison(std::string_view expected, std::string_view actual, Tolerance tolerance, const std::vector<Rule>& rules)
        : expected_(split(expected, rules)), actual_(split(actual, rules)), tolerance_(tolerance) {
        std::vector<bool> used(rules.size(), false);
        for (auto& line : expected_) {
            for (std::size_t r = 0; r < rules.size() && line.rule == nullptr; ++r) {
                if (std::regex_search(line.text.begin(), line.text.end(), rules[r].pattern)) {
                    line.rule = &rules[r];
                    used[r] = true;
                }
            }
        }
        for (std::size_t r = 0; r < rules.size(); ++r) {
            if (!used[r] && !rules[r].optional) {
                differs(fmt::format("the rule '{}' matches no line of what is expected", rules[r].text));
            }
        }
        if (expected_.empty()) { differs("nothing is expected: nothing was compared"); }
        compare_lines();
        if (!expected.empty() && !actual.empty() && (expected.back() == '\n') != (actual.back() == '\n')) {
            differs("one of the two does not end with a line end");
        }
    }

    Report report() && {
        if (report_.differences > most_reported) {
            report_.text += fmt::format("... and {} more\n", report_.differences - most_reported);
        }
        return std::move(report_);
    }

private:
    Tolerance tolerance_of(const Line& line) const { return line.rule != nullptr ? line.rule->tolerance : tolerance_; }

    bool match(const Line& expected, const Line& actual) const {
        if (expected.banner || actual.banner) { return expected.banner == actual.banner; }
        if (expected.rule != nullptr && expected.rule->mask) { return true; }
        return std::equal(expected.tokens.begin(), expected.tokens.end(), actual.tokens.begin(), actual.tokens.end(),
                          [&](const Token& e, const Token& a) {
                              return equal(e, a, tolerance_of(expected), expected.rule != nullptr);
                          });
    }

    /// Pairs the lines so that as few as possible differ, are missing or are too many (the edit distance): one line too
    /// many does not shift all others. Outputs too long for the table are compared line by line.
    void compare_lines() {
        const std::size_t n = expected_.size(), m = actual_.size();
        constexpr std::size_t largest = 20'000'000;
        const bool aligned = n * m <= largest;
        std::vector<std::uint32_t> table(aligned ? (n + 1) * (m + 1) : 0, 0);
        const auto cost = [&](std::size_t i, std::size_t j) -> std::uint32_t& { return table[i * (m + 1) + j]; };
        for (std::size_t i = aligned ? n + 1 : 0; i-- > 0;) {
            for (std::size_t j = m + 1; j-- > 0;) {
                if (i == n || j == m) {
                    cost(i, j) = static_cast<std::uint32_t>(n - i + m - j);
                } else {
                    const std::uint32_t pair = cost(i + 1, j + 1) + (match(expected_[i], actual_[j]) ? 0 : 1);
                    cost(i, j) = std::min({pair, cost(i + 1, j) + 1, cost(i, j + 1) + 1});
                }
            }
        }
        std::size_t i = 0, j = 0;
        while (i < n || j < m) {
            const bool both = i < n && j < m;
            const bool equal_lines = both && match(expected_[i], actual_[j]);
            if (both && (!aligned || cost(i, j) == cost(i + 1, j + 1) + (equal_lines ? 0 : 1))) {
                if (!equal_lines) { report_pair(i, j); }
                ++i, ++j;
            } else if (j == m || (both && cost(i, j) == cost(i + 1, j) + 1)) {
                differs(fmt::format("line {} is missing:\n    expected | {}", i + 1, expected_[i].text));
                ++i;
            } else {
                differs(fmt::format("line {} is too many:\n    actual   | {}", j + 1, actual_[j].text));
                ++j;
            }
        }
    }

    void report_pair(std::size_t i, std::size_t j) {
        const Line &expected = expected_[i], &actual = actual_[j];
        std::string text = fmt::format("line {}{}:\n    expected | {}\n    actual   | {}", i + 1,
                                       i == j ? "" : fmt::format(" (actual: {})", j + 1), expected.text, actual.text);
        const auto tolerance = tolerance_of(expected);
        const std::size_t tokens = std::min(expected.tokens.size(), actual.tokens.size());
        std::size_t number = 0;
        for (std::size_t t = 0; t < tokens; ++t) {
            const Token &e = expected.tokens[t], &a = actual.tokens[t];
            if (e.kind != Kind::text) { ++number; }
            if (equal(e, a, tolerance, expected.rule != nullptr)) { continue; }
            const bool plain = e.kind != Kind::machine && a.kind != Kind::machine;
            if (e.kind == Kind::text || a.kind == Kind::text || !plain) {
                text += fmt::format("\n    from '{}' on; expected '{}'", a.text, e.text);
                break;
            }
            const bool exact = expected.rule == nullptr && e.kind == Kind::whole && a.kind == Kind::whole;
            text += fmt::format("\n    number {}: {} instead of {}, off by {:.3g}, allowed {:.3g}", number, a.text,
                                e.text, std::abs(a.value - e.value), exact ? 0.0 : allowed(e, tolerance));
        }
        differs(text);
    }

    void differs(const std::string& what) {
        if (++report_.differences <= most_reported) { report_.text += what + "\n"; }
    }

    std::vector<Line> expected_, actual_;
    Tolerance tolerance_;
    Report report_;
};

} // namespace

Report compare(std::string_view expected, std::string_view actual, Tolerance tolerance,
               const std::vector<Rule>& rules) {
    return Comparison(expected, actual, tolerance, rules).report();
}

} // namespace handgrad::chapters
