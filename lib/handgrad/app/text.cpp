#include "text.hpp"

#include <algorithm>
#include <cstddef>

namespace handgrad::app {
namespace {

std::size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<std::vector<std::size_t>> d(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
    for (std::size_t i = 0; i <= a.size(); ++i) { d[i][0] = i; }
    for (std::size_t j = 0; j <= b.size(); ++j) { d[0][j] = j; }
    for (std::size_t i = 1; i <= a.size(); ++i) {
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t replace = d[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
            d[i][j] = std::min({d[i - 1][j] + 1, d[i][j - 1] + 1, replace});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
            }
        }
    }
    return d[a.size()][b.size()];
}

} // namespace

std::string one_line(std::string_view text) {
    std::string line(text);
    while (!line.empty() && line.back() == '\n') { line.pop_back(); }
    for (char& c : line) {
        if (static_cast<unsigned char>(c) < 32 || c == 127) { c = ' '; }
    }
    return line;
}

std::string in_quotes(std::string_view text) {
    constexpr std::size_t longest = 60;
    return "'" + one_line(text.substr(0, longest)) + (text.size() > longest ? "...'" : "'");
}

std::string nearest(std::string_view word, const std::vector<std::string>& words) {
    std::string best;
    std::size_t least = word.size() / 3 + 1;
    if (word.size() > 60) { return best; }
    for (const auto& candidate : words) {
        const std::size_t distance = edit_distance(word, candidate);
        if (distance < least) {
            least = distance;
            best = candidate;
        }
    }
    return best;
}

} // namespace handgrad::app
