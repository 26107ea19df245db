#include "handgrad/plot/terminal.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include <fmt/format.h>

#include "handgrad/error.hpp"

namespace handgrad::plot {

std::string terminal_lines(const Values& x_values, const Values& y_values, std::size_t width, std::size_t height) {
    const std::vector<double>&x = x_values.numbers, &y = y_values.numbers;
    require<ShapeError>(x.size() == y.size(), "terminal_lines: {} x values and {} y values", x.size(), y.size());
    // Signed, so that negative numbers are refused, too.
    require<ShapeError>(static_cast<std::ptrdiff_t>(width) >= 30 && static_cast<std::ptrdiff_t>(height) >= 4,
                        "terminal_lines: {} x {} characters, expected 30 x 4 or more", as_written(width),
                        as_written(height));
    constexpr double infinity = std::numeric_limits<double>::infinity();
    double left = infinity, right = -infinity, bottom = infinity, top = -infinity;
    const auto finite = [&](std::size_t i) { return std::isfinite(x[i]) && std::isfinite(y[i]); };
    for (std::size_t i = 0; i < x.size(); ++i) {
        if (!finite(i)) { continue; }
        left = std::min(left, x[i]), right = std::max(right, x[i]);
        bottom = std::min(bottom, y[i]), top = std::max(top, y[i]);
    }
    require<ShapeError>(left <= right, "terminal_lines: no finite point to draw");

    const std::string highest = fmt::format("{:.4g}", top), lowest = fmt::format("{:.4g}", bottom);
    const std::size_t margin = std::max(highest.size(), lowest.size()), columns = width - margin - 2;
    const auto cell = [](double value, double from, double to, std::size_t cells) {
        return to != from ? std::lround((value - from) / (to - from) * static_cast<double>(cells - 1))
                          : static_cast<long>(cells / 2);
    };
    std::vector<std::string> rows(height, std::string(columns, ' '));
    long last_column = 0, last_row = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
        if (!finite(i)) { continue; }
        const long column = cell(x[i], left, right, columns), row = cell(y[i], top, bottom, height);
        const bool joined = i > 0 && finite(i - 1);
        for (long c = last_column + 1; joined && c < column; ++c) {
            const double part = static_cast<double>(c - last_column) / static_cast<double>(column - last_column);
            const double r = (1 - part) * static_cast<double>(last_row) + part * static_cast<double>(row);
            char& place = rows[static_cast<std::size_t>(std::lround(r))][static_cast<std::size_t>(c)];
            if (place == ' ') { place = '.'; }
        }
        rows[static_cast<std::size_t>(row)][static_cast<std::size_t>(column)] = '*';
        last_column = column, last_row = row;
    }

    std::string text;
    for (std::size_t r = 0; r < height; ++r) {
        const std::string label = r == 0 ? highest : r + 1 == height ? lowest : "";
        const std::string line = fmt::format("{:>{}} |{}", label, margin, rows[r]);
        text += line.substr(0, line.find_last_not_of(' ') + 1) + '\n';
    }
    const std::string start = fmt::format("{:.6g}", left);
    return text + fmt::format("{0:{1}} +{0:-<{2}}\n{0:{1}}  {3}{4:>{5}.6g}\n", "", margin, columns, start, right,
                              columns - start.size());
}

std::string confusion_matrix_text(const Tensor<std::int64_t>& counts) {
    require<ShapeError>(counts.dimension() == 2 && counts.shape()[0] == counts.shape()[1] && counts.size() > 0,
                        "confusion_matrix_text: counts have shape {}, expected (K, K)",
                        handgrad::to_string(counts.shape()));
    const std::size_t classes = counts.shape()[0];
    const std::int64_t largest = *std::max_element(counts.begin(), counts.end());
    const std::size_t width = std::max<std::size_t>(fmt::format("{}", largest).size(), 3) + 1;
    const std::size_t margin = std::max<std::size_t>(6, fmt::format("{}", classes).size() + 1);
    std::string text = fmt::format("{:{}}  predicted\n{:<{}}|", "", margin, "true", margin);
    for (std::size_t k = 0; k < classes; ++k) { text += fmt::format("{:>{}}", k, width); }
    text += fmt::format(" |  recall\n{0:-<{1}}+{0:-<{2}}+--------\n", "", margin, classes * width + 1);
    for (std::size_t r = 0; r < classes; ++r) {
        text += fmt::format("{:>{}} |", r, margin - 1);
        std::int64_t sum = 0;
        for (std::size_t c = 0; c < classes; ++c) {
            sum += counts(r, c);
            text += fmt::format("{:>{}}", counts(r, c) == 0 ? "." : std::to_string(counts(r, c)), width);
        }
        const double recall = 100 * static_cast<double>(counts(r, r)) / static_cast<double>(sum);
        text += sum == 0 ? " |       -\n" : fmt::format(" | {:6.2f}%\n", recall);
    }
    return text;
}

} // namespace handgrad::plot
