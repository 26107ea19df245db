// Where the legend stands: in the first corner where it hides nothing.

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <optional>
#include <string_view>

#include <fmt/format.h>

#include "figure_writer.hpp"
#include "series.hpp"

namespace handgrad::plot {
namespace {

using Point = std::array<double, 2>;

/// An axis as it is drawn: linear or in powers of ten, and how far it reaches.
class Axis {
public:
    Axis(bool log, const std::optional<std::array<double, 2>>& range) : log_(log) {
        if (!range) { return; }
        fixed_ = true;
        low_ = scaled((*range)[0]);
        high_ = scaled((*range)[1]);
    }
    double scaled(double value) const { return log_ ? std::log10(value) : value; }
    void include(double place) {
        if (fixed_ || !std::isfinite(place)) { return; }
        low_ = std::min(low_, place);
        high_ = std::max(high_, place);
    }
    /// 0 at the axis's start, 1 at its end.
    double part(double place) const { return high_ != low_ ? (place - low_) / (high_ - low_) : 0.5; }
    double at(double part) const { return low_ + part * (high_ - low_); }

private:
    bool log_ = false, fixed_ = false;
    double low_ = std::numeric_limits<double>::infinity(), high_ = -std::numeric_limits<double>::infinity();
};

/// Points on everything that is drawn, dense enough along lines and bars; the axes grow with them.
std::vector<Point> drawn_points(const std::vector<Series>& all, Axis& x_axis, Axis& y_axis) {
    constexpr int parts = 10;
    std::vector<Point> points;
    const auto add = [&](double x, double y) {
        if (!std::isfinite(x) || !std::isfinite(y)) { return; }
        points.push_back({x, y});
        x_axis.include(x);
        y_axis.include(y);
    };
    for (const Series& s : all) {
        if (is_across(s)) {
            for (const double x : s.x) { x_axis.include(x_axis.scaled(x)); }
            for (const double y : s.y) { y_axis.include(y_axis.scaled(y)); }
        }
        if (is_across(s) || is_cells(s) || is_regions(s)) { continue; }
        for (std::size_t i = 0; i < rows_of(s); ++i) {
            const double x = x_axis.scaled(s.x[i]), y = y_axis.scaled(s.y[i]);
            add(x, y);
            for (int part = 1; part < parts; ++part) {
                const double t = static_cast<double>(part) / parts;
                if (is_bar(s)) { add(x, y_axis.scaled(t * s.y[i])); }
                if (is_line(s) && i > 0) {
                    add(x + t * (x_axis.scaled(s.x[i - 1]) - x), y + t * (y_axis.scaled(s.y[i - 1]) - y));
                }
            }
        }
    }
    for (const Series& s : all) { // only now is it known how far these reach
        for (int part = 0; part <= 2 * parts; ++part) {
            const double t = static_cast<double>(part) / (2 * parts);
            if (s.kind == Kind::horizontal) { add(x_axis.at(t), y_axis.scaled(s.y.front())); }
            if (s.kind == Kind::vertical) { add(x_axis.scaled(s.x.front()), y_axis.at(t)); }
        }
    }
    return points;
}

} // namespace

std::string FigureWriter::legend(const Figure& f) const {
    const auto names = static_cast<std::size_t>(std::count_if(f.series_.begin(), f.series_.end(), [](const Series& s) {
        return !s.name.empty() && !is_cells(s) && !is_regions(s);
    }));
    const Legend position = f.legend_ ? *f.legend_ : names > 1 ? free_corner(f, names) : Legend::none;
    const auto inside = [](std::string_view corner, std::string_view order) {
        return fmt::format("set key inside {} vertical {} opaque noenhanced height 0 samplen 3\n", corner, order);
    };
    switch (position) {
    case Legend::top_right:
        return inside("top right", "Right noreverse");
    case Legend::top_left:
        return inside("top left", "Left reverse");
    case Legend::bottom_right:
        return inside("bottom right", "Right noreverse");
    case Legend::bottom_left:
        return inside("bottom left", "Left reverse");
    case Legend::below: {
        const bool short_samples = !any(f.series_, is_line) && !any(f.series_, is_across);
        return fmt::format("set key outside bottom center horizontal Left reverse noopaque noenhanced height 1 "
                           "samplen {}\n",
                           short_samples ? 0 : 3);
    }
    case Legend::none:
        break;
    }
    return "unset key\n";
}

Legend FigureWriter::free_corner(const Figure& f, std::size_t names) const {
    Axis x_axis(f.x_log_, f.x_range_), y_axis(f.y_log_, f.y_range_);
    const std::vector<Point> points = drawn_points(f.series_, x_axis, y_axis);
    // The size of the legend, as parts of the axes: it takes more of a narrow diagram.
    const bool narrow = figures_.size() > 1;
    const double width = narrow ? 0.5 : 0.42, height = 0.04 + (narrow ? 0.075 : 0.05) * static_cast<double>(names);
    for (const Legend corner : {Legend::top_right, Legend::top_left, Legend::bottom_right, Legend::bottom_left}) {
        const bool right = corner == Legend::top_right || corner == Legend::bottom_right;
        const bool top = corner == Legend::top_right || corner == Legend::top_left;
        const bool taken = std::any_of(points.begin(), points.end(), [&](const Point& point) {
            const double u = x_axis.part(point[0]), v = y_axis.part(point[1]);
            return (right ? u > 1 - width : u < width) && (top ? v > 1 - height : v < height);
        });
        if (!taken) { return corner; }
    }
    return Legend::below;
}

} // namespace handgrad::plot
