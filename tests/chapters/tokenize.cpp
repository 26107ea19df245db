#include "compare.hpp"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdlib>

namespace handgrad::chapters {
namespace {

bool digit(char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; }
bool word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || (c & '\x80') != 0; }

/// How many characters from `at` are a number, 0 if none starts there; `whole` tells whether it is a whole one.
std::size_t number_length(std::string_view line, std::size_t at, bool& whole) {
    const auto peek = [&](std::size_t i) { return i < line.size() ? line[i] : '\0'; };
    const char before = at == 0 ? ' ' : line[at - 1];
    if (word(before) || before == '.') { return 0; }
    std::size_t i = at;
    if (peek(i) == '-' || peek(i) == '+') { ++i; }
    whole = false;
    const auto name = line.substr(std::min(i, line.size()), 3);
    if (name == "nan" || name == "inf") { return word(peek(i + 3)) ? 0 : i + 3 - at; }

    const std::size_t first = i;
    while (digit(peek(i))) { ++i; }
    whole = i > first;
    if (peek(i) == '.' && digit(peek(i + 1))) {
        whole = false;
        for (++i; digit(peek(i)); ++i) {}
    }
    if (i == first) { return 0; }
    if (peek(i) == 'e' || peek(i) == 'E') {
        std::size_t j = i + 1;
        if (peek(j) == '-' || peek(j) == '+') { ++j; }
        if (digit(peek(j))) {
            whole = false;
            for (i = j; digit(peek(i)); ++i) {}
        }
    }
    return i - at;
}

bool is_number(const Token& token) { return token.kind != Token::Kind::text; }

/// Blanks at the front of `text` become one, or none.
void reduce_front(std::string& text, bool none) {
    const std::size_t n = std::min(text.find_first_not_of(" \t"), text.size());
    if (n > 0) { text.replace(0, n, none ? "" : " "); }
}

/// The same at its back.
void reduce_back(std::string& text, bool none) {
    const std::size_t n = text.find_last_not_of(" \t") + 1; // npos + 1 is 0
    if (n < text.size()) { text.replace(n, text.size() - n, none ? "" : " "); }
}

} // namespace

std::vector<Token> tokenize(std::string_view line) {
    std::vector<Token> tokens;
    std::string text;
    const auto end_text = [&] {
        if (!text.empty()) { tokens.push_back({Token::Kind::text, text, 0}); }
        text.clear();
    };
    for (std::size_t i = 0; i < line.size();) {
        bool whole = false;
        const bool machine = line[i] == '~';
        const std::size_t start = machine ? i + 1 : i;
        const std::size_t length = number_length(line, start, whole);
        const std::string digits(line.substr(std::min(start, line.size()), length));
        const double value = length > 0 ? std::strtod(digits.c_str(), nullptr) : 0;
        if (length == 0 || (machine && !std::isfinite(value))) {
            text += line[i++];
            continue;
        }
        end_text();
        const auto kind = machine ? Token::Kind::machine : whole ? Token::Kind::whole : Token::Kind::real;
        tokens.push_back({kind, digits, value});
        i = start + length;
    }
    end_text();

    for (std::size_t i = 0; i < tokens.size(); ++i) {
        std::string& between = tokens[i].text;
        if (is_number(tokens[i])) { continue; }
        const bool blanks_only = between.find_first_not_of(" \t") == std::string::npos;
        const bool first = i == 0, last = i + 1 == tokens.size();
        if (blanks_only && first != last) {
            between.clear(); // the width of a column, at the line's start or end
            continue;
        }
        if (!first) { reduce_front(between, tokens[i - 1].kind == Token::Kind::machine); }
        if (!last) { reduce_back(between, tokens[i + 1].kind == Token::Kind::machine); }
    }
    std::vector<Token> kept;
    for (auto& token : tokens) {
        if (is_number(token) || !token.text.empty()) { kept.push_back(std::move(token)); }
    }
    return kept;
}

} // namespace handgrad::chapters
