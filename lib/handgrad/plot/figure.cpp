#include "handgrad/plot/figure.hpp"

#include <algorithm>
#include <cmath>
#include <set>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "figure_writer.hpp"
#include "gnuplot.hpp"
#include "handgrad/error.hpp"
#include "handgrad/io/atomic_file.hpp"
#include "series.hpp"

namespace handgrad::plot {
namespace {

void require_same_length(std::string_view where, const Values& x, const Values& y) {
    if (x.numbers.size() != y.numbers.size()) {
        throw ShapeError(
            fmt::format("Figure::{}: {} x values and {} y values", where, x.numbers.size(), y.numbers.size()));
    }
}

void require_classes(std::string_view where, const Values& classes) {
    for (const double k : classes.numbers) {
        if (!(k >= 0 && k <= 255 && k == std::floor(k))) {
            throw ShapeError(fmt::format("Figure::{}: class {}, expected a whole number in 0 .. 255", where, k));
        }
    }
}

detail::Series xy_series(Kind kind, std::string_view where, std::string name, const Values& x, const Values& y) {
    require_same_length(where, x, y);
    return {kind, std::move(name), x.numbers, y.numbers, {}, 0};
}

} // namespace

Figure& Figure::title(std::string text) {
    title_ = std::move(text);
    return *this;
}
Figure& Figure::x_label(std::string text) {
    x_label_ = std::move(text);
    return *this;
}
Figure& Figure::y_label(std::string text) {
    y_label_ = std::move(text);
    return *this;
}
Figure& Figure::x_log() {
    x_log_ = true;
    return *this;
}
Figure& Figure::y_log() {
    y_log_ = true;
    return *this;
}
Figure& Figure::x_range(double low, double high) {
    x_range_ = {low, high};
    return *this;
}
Figure& Figure::y_range(double low, double high) {
    y_range_ = {low, high};
    return *this;
}
Figure& Figure::equal_axes() {
    equal_axes_ = true;
    return *this;
}
Figure& Figure::legend(Legend position) {
    legend_ = position;
    return *this;
}
Figure& Figure::x_ticks(std::vector<std::string> names) {
    x_ticks_ = std::move(names);
    return *this;
}
Figure& Figure::y_ticks(std::vector<std::string> names) {
    y_ticks_ = std::move(names);
    return *this;
}

Figure& Figure::line(std::string name, const Values& x, const Values& y) {
    series_.push_back(xy_series(Kind::line, "line", std::move(name), x, y));
    return *this;
}
Figure& Figure::line_points(std::string name, const Values& x, const Values& y) {
    series_.push_back(xy_series(Kind::line_points, "line_points", std::move(name), x, y));
    return *this;
}
Figure& Figure::points(std::string name, const Values& x, const Values& y) {
    series_.push_back(xy_series(Kind::points, "points", std::move(name), x, y));
    return *this;
}
Figure& Figure::step(std::string name, const Values& x, const Values& y) {
    series_.push_back(xy_series(Kind::step, "step", std::move(name), x, y));
    return *this;
}

Figure& Figure::bars(std::string name, const std::vector<std::string>& categories, const Values& heights) {
    if (categories.size() != heights.numbers.size()) {
        throw ShapeError(
            fmt::format("Figure::bars: {} categories and {} heights", categories.size(), heights.numbers.size()));
    }
    const bool more = std::any_of(series_.begin(), series_.end(), [](const auto& s) { return s.kind == Kind::bars; });
    if (more && x_ticks_ != categories) {
        throw ShapeError("Figure::bars: the categories are not those of the bars before");
    }
    std::vector<double> positions;
    for (std::size_t i = 0; i < categories.size(); ++i) { positions.push_back(static_cast<double>(i)); }
    x_ticks_ = categories;
    series_.push_back({Kind::bars, std::move(name), std::move(positions), heights.numbers, {}, 0});
    return *this;
}

Figure& Figure::horizontal_line(std::string name, double y) {
    series_.push_back({Kind::horizontal, std::move(name), {}, {y}, {}, 0});
    return *this;
}
Figure& Figure::vertical_line(std::string name, double x) {
    series_.push_back({Kind::vertical, std::move(name), {x}, {}, {}, 0});
    return *this;
}

Figure& Figure::scatter(const Values& x, const Values& y, const Values& labels) {
    require_same_length("scatter", x, y);
    if (labels.numbers.size() != x.numbers.size()) {
        throw ShapeError(
            fmt::format("Figure::scatter: {} labels for {} points", labels.numbers.size(), x.numbers.size()));
    }
    require_classes("scatter", labels);
    for (const double k : std::set<double>(labels.numbers.begin(), labels.numbers.end())) {
        detail::Series series{Kind::scatter, fmt::format("class {}", k), {}, {}, {}, static_cast<std::size_t>(k)};
        for (std::size_t i = 0; i < labels.numbers.size(); ++i) {
            if (labels.numbers[i] != k) { continue; }
            series.x.push_back(x.numbers[i]);
            series.y.push_back(y.numbers[i]);
        }
        series_.push_back(std::move(series));
    }
    return *this;
}

Figure& Figure::regions(const Values& x, const Values& y, const Values& classes) {
    const std::size_t cols = x.numbers.size(), rows = y.numbers.size();
    if (cols < 2 || rows < 2 || classes.numbers.size() != rows * cols) {
        throw ShapeError(fmt::format("Figure::regions: {} classes for a grid of {} rows and {} columns",
                                     classes.numbers.size(), rows, cols));
    }
    require_classes("regions", classes);
    detail::Series series{Kind::regions, "regions", {}, {}, classes.numbers, 0};
    for (std::size_t i = 0; i < rows * cols; ++i) {
        series.x.push_back(x.numbers[i % cols]);
        series.y.push_back(y.numbers[i / cols]);
    }
    if (!x_range_) { x_range(x.numbers.front(), x.numbers.back()); }
    if (!y_range_) { y_range(y.numbers.front(), y.numbers.back()); }
    series_.insert(series_.begin(), std::move(series)); // beneath everything else
    return *this;
}

Figure& Figure::heat_map(const Values& matrix, std::size_t rows, std::size_t cols) {
    const std::size_t values = matrix.numbers.size(); // rows * cols may be more than a std::size_t holds
    if (rows == 0 || cols == 0 || rows > values || cols > values || rows * cols != values) {
        throw ShapeError(fmt::format("Figure::heat_map: {} values for {} rows and {} columns", values, as_written(rows),
                                     as_written(cols)));
    }
    detail::Series series{Kind::cells, "cells", {}, {}, matrix.numbers, 0};
    for (std::size_t i = 0; i < rows * cols; ++i) {
        series.x.push_back(static_cast<double>(i % cols));
        series.y.push_back(static_cast<double>(i / cols));
    }
    series_.insert(series_.begin(), std::move(series));
    const auto numbered = [](std::size_t count) {
        std::vector<std::string> names;
        for (std::size_t k = 0; k < count; ++k) { names.push_back(std::to_string(k)); }
        return names;
    };
    if (x_ticks_.empty()) { x_ticks_ = numbered(cols); }
    if (y_ticks_.empty()) { y_ticks_ = numbered(rows); }
    x_range(-0.5, static_cast<double>(cols) - 0.5);
    return y_range(static_cast<double>(rows) - 0.5, -0.5); // row 0 at the top
}

Figure& Figure::confusion_matrix(const Tensor<std::int64_t>& counts) {
    if (counts.dimension() != 2 || counts.shape()[0] != counts.shape()[1] || counts.size() == 0) {
        throw ShapeError(fmt::format("Figure::confusion_matrix: counts have shape {}, expected (K, K)",
                                     handgrad::to_string(counts.shape())));
    }
    if (std::any_of(counts.begin(), counts.end(), [](std::int64_t count) { return count < 0; })) {
        throw ShapeError("Figure::confusion_matrix: a count is negative");
    }
    const std::size_t classes = counts.shape()[0];
    heat_map(counts, classes, classes);
    log_colours_ = true;
    if (x_label_.empty()) { x_label_ = "predicted class"; }
    if (y_label_.empty()) { y_label_ = "true class"; }
    return *this;
}

SavedFigure Figure::save(const std::filesystem::path& directory, const std::string& stem) const {
    return save_side_by_side({*this}, directory, stem);
}

SavedFigure save_side_by_side(const std::vector<Figure>& figures, const std::filesystem::path& directory,
                              const std::string& stem) {
    const bool plain = std::all_of(stem.begin(), stem.end(), [](unsigned char c) { return c > ' ' && c != '/'; });
    if (stem.empty() || !plain || stem.front() == '-') {
        throw ShapeError(fmt::format("Figure::save: '{}' does not serve as a file name", stem));
    }
    const FigureWriter writer(figures, stem);
    const std::filesystem::path folder = directory.empty() ? "." : directory;
    const auto file = [&](const char* ending) { return folder / (stem + ending); };
    // First of all, remove pictures of an earlier run: they must not outlive their data.
    for (const char* ending : {".svg", ".png"}) {
        std::error_code ignored; // mostly: there is none
        std::filesystem::remove(file(ending), ignored);
    }
    io::write_file(file(".csv"), writer.csv());
    io::write_file(file(".gp"), writer.script());
    SavedFigure saved{{file(".csv"), file(".gp")}, run_gnuplot(folder, stem + ".gp", stem)};
    if (saved.note.empty()) { saved.files.insert(saved.files.end(), {file(".svg"), file(".png")}); }
    return saved;
}

} // namespace handgrad::plot
