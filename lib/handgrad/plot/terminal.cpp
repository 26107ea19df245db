#include "handgrad/plot/terminal.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "handgrad/error.hpp"

namespace handgrad::plot {
namespace {

struct Range {
    double low = std::numeric_limits<double>::infinity();
    double high = -std::numeric_limits<double>::infinity();

    void include(double value) {
        low = std::min(low, value);
        high = std::max(high, value);
    }
    /// The cell, of `cells`, in which a value lies.
    std::size_t cell(double value, std::size_t cells) const {
        if (!(high > low)) { return cells / 2; }
        return static_cast<std::size_t>(std::lround((value - low) / (high - low) * static_cast<double>(cells - 1)));
    }
};

} // namespace

std::string terminal_lines(const Values& x, const Values& y, std::size_t width, std::size_t height) {
    if (x.numbers.size() != y.numbers.size()) {
        throw ShapeError(
            fmt::format("terminal_lines: {} x values and {} y values", x.numbers.size(), y.numbers.size()));
    }
    const auto is_less = [](std::size_t a, std::ptrdiff_t b) { return static_cast<std::ptrdiff_t>(a) < b; };
    if (is_less(width, 30) || is_less(height, 4)) { // negative numbers, too
        throw ShapeError(fmt::format("terminal_lines: {} x {} characters, expected 30 x 4 or more", as_written(width),
                                     as_written(height)));
    }
    Range x_range, y_range;
    std::vector<std::size_t> shown;
    for (std::size_t i = 0; i < x.numbers.size(); ++i) {
        if (!std::isfinite(x.numbers[i]) || !std::isfinite(y.numbers[i])) { continue; }
        x_range.include(x.numbers[i]);
        y_range.include(y.numbers[i]);
        shown.push_back(i);
    }
    if (shown.empty()) { throw ShapeError("terminal_lines: no finite point to draw"); }

    const std::string top = fmt::format("{:.4g}", y_range.high), bottom = fmt::format("{:.4g}", y_range.low);
    const std::size_t margin = std::max(top.size(), bottom.size());
    const std::size_t columns = width - margin - 2;
    std::vector<std::string> rows(height, std::string(columns, ' '));
    std::size_t previous_column = 0, previous_row = 0;
    for (std::size_t n = 0; n < shown.size(); ++n) {
        const std::size_t column = x_range.cell(x.numbers[shown[n]], columns);
        const std::size_t row = height - 1 - y_range.cell(y.numbers[shown[n]], height);
        // Join neighbouring points, but not across a value that was left out.
        if (n > 0 && shown[n] == shown[n - 1] + 1 && column > previous_column + 1) {
            for (std::size_t c = previous_column + 1; c < column; ++c) {
                const double part =
                    static_cast<double>(c - previous_column) / static_cast<double>(column - previous_column);
                const double r = (1 - part) * static_cast<double>(previous_row) + part * static_cast<double>(row);
                char& place = rows[static_cast<std::size_t>(std::lround(r))][c];
                if (place == ' ') { place = '.'; }
            }
        }
        rows[row][column] = '*';
        previous_column = column;
        previous_row = row;
    }

    std::string text;
    for (std::size_t r = 0; r < height; ++r) {
        const std::string label = r == 0 ? top : r + 1 == height ? bottom : std::string();
        std::string line = fmt::format("{:>{}} |{}", label, margin, rows[r]);
        text += line.erase(line.find_last_not_of(' ') + 1) + '\n';
    }
    text += fmt::format("{:>{}} +{}\n", "", margin, std::string(columns, '-'));
    const std::string left = fmt::format("{:.6g}", x_range.low), right = fmt::format("{:.6g}", x_range.high);
    return text + fmt::format("{:>{}}{}{:>{}}\n", "", margin + 2, left, right, columns - left.size());
}

std::string confusion_matrix_text(const Tensor<std::int64_t>& counts) {
    if (counts.dimension() != 2 || counts.shape()[0] != counts.shape()[1] || counts.size() == 0) {
        throw ShapeError(fmt::format("confusion_matrix_text: counts have shape {}, expected (K, K)",
                                     handgrad::to_string(counts.shape())));
    }
    const std::size_t classes = counts.shape()[0];
    const std::int64_t largest = *std::max_element(counts.begin(), counts.end());
    const std::size_t width = std::max<std::size_t>(fmt::format("{}", largest).size(), 3) + 1;
    constexpr std::string_view margin = "true ";
    const std::size_t row_label = std::max<std::size_t>(margin.size() + 1, fmt::format("{}", classes).size() + 1);

    std::string text = fmt::format("{:{}}  predicted\n{:<{}}|", "", row_label, margin, row_label);
    for (std::size_t k = 0; k < classes; ++k) { text += fmt::format("{:>{}}", k, width); }
    text += " |  recall\n" + std::string(row_label, '-') + '+' + std::string(classes * width + 1, '-') + "+--------\n";
    for (std::size_t r = 0; r < classes; ++r) {
        text += fmt::format("{:>{}} |", r, row_label - 1);
        std::int64_t sum = 0;
        for (std::size_t c = 0; c < classes; ++c) {
            sum += counts(r, c);
            text +=
                fmt::format("{:>{}}", counts(r, c) == 0 ? std::string(".") : fmt::format("{}", counts(r, c)), width);
        }
        text += sum == 0
                    ? std::string(" |       -\n")
                    : fmt::format(" | {:6.2f}%\n", 100 * static_cast<double>(counts(r, r)) / static_cast<double>(sum));
    }
    return text;
}

} // namespace handgrad::plot
