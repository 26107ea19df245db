#include "figure_writer.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "handgrad/error.hpp"
#include "handgrad/io/csv.hpp"
#include "series.hpp"

namespace handgrad::plot {
namespace {

struct Rgb {
    int red, green, blue;
};
// Okabe and Ito's colours; yellow, illegible as a line on white, comes last.
constexpr std::array<Rgb, 8> palette = {{{0, 114, 178},
                                         {213, 94, 0},
                                         {0, 158, 115},
                                         {204, 121, 167},
                                         {230, 159, 0},
                                         {86, 180, 233},
                                         {0, 0, 0},
                                         {240, 228, 66}}};
constexpr std::array<int, 5> filled_markers = {7, 5, 9, 13, 11}; // disc, square, triangle, diamond, triangle down
constexpr std::array<int, 5> open_markers = {6, 4, 8, 12, 10};

constexpr std::array<std::string_view, 5> dashes = {"1", "(20,8)", "(4,8)", "(20,8,4,8)", "(40,12)"};

std::string hex(const Rgb& c) { return fmt::format("'#{:02x}{:02x}{:02x}'", c.red, c.green, c.blue); }
/// Dashes of the lines that stand across a diagram: never solid.
std::string_view dash_across(std::size_t k) { return dashes[1 + k % (dashes.size() - 1)]; }
std::string colour(std::size_t k) { return hex(palette[k % palette.size()]); }
std::string tint(std::size_t k) { // the same colour thinned with white, for areas
    const Rgb c = palette[k % palette.size()];
    const auto mix = [](int part) { return 255 - (255 - part) * 35 / 100; };
    return hex({mix(c.red), mix(c.green), mix(c.blue)});
}

/// A text for gnuplot: between single quotes nothing is special but the quote itself.
std::string single_quoted(std::string_view text) {
    std::string result = "'";
    for (const char c : text) {
        if (c == '\'') { result += '\''; }
        result += static_cast<unsigned char>(c) < ' ' ? ' ' : c;
    }
    return result + "'";
}

/// Whether a logarithmic axis is long enough to be labelled with powers of ten alone.
bool spans_decades(const std::vector<Series>& all, std::vector<double> Series::*axis) {
    double low = std::numeric_limits<double>::infinity(), high = 0;
    for (const Series& series : all) {
        for (const double value : series.*axis) {
            if (!std::isfinite(value) || value <= 0) { continue; }
            low = std::min(low, value);
            high = std::max(high, value);
        }
    }
    return high > 0 && high / low >= 100;
}

/// The dark edge of markers, so that they stand out from a curve or an area of their own colour.
std::string outline(const std::string& source, int marker, double size) {
    return fmt::format("{} with points pt {} ps {}*dot lw 0.6 lc rgb '#202020' notitle", source, marker, size);
}

/// The largest magnitude.
double largest(const std::vector<double>& values) {
    double result = 0;
    for (const double value : values) { result = std::max(result, std::abs(value)); } // a NaN is passed over
    return result;
}

std::string tick_list(const std::vector<std::string>& names) {
    std::string list;
    for (std::size_t i = 0; i < names.size(); ++i) {
        list += fmt::format("{}{} {}", i > 0 ? ", " : "", single_quoted(names[i]), i);
    }
    return list;
}

} // namespace

FigureWriter::FigureWriter(const std::vector<Figure>& figures, std::string stem)
    : figures_(figures), stem_(std::move(stem)), panel_column_(figures.size() > 1), value_column_(false) {
    for (const Figure& figure : figures_) {
        if (!any(figure.series_, [](const Series& s) { return rows_of(s) > 0; })) {
            throw ShapeError(fmt::format("Figure::save: '{}' has nothing to draw", stem_));
        }
        value_column_ = value_column_ || any(figure.series_, is_cells) || any(figure.series_, is_regions);
    }
    if (figures_.empty()) { throw ShapeError(fmt::format("Figure::save: '{}' has no figure", stem_)); }
    x_ = panel_column_ ? 3 : 2;
    y_ = x_ + 1;
    value_ = x_ + 2;
}

std::string FigureWriter::csv() const {
    std::vector<std::string> panel, series, x, y, value;
    const auto cell = [](const std::vector<double>& numbers, std::size_t i) {
        return i < numbers.size() ? io::csv_cell(numbers[i]) : std::string();
    };
    for (std::size_t p = 0; p < figures_.size(); ++p) {
        for (const Series& s : figures_[p].series_) {
            for (std::size_t i = 0; i < rows_of(s); ++i) {
                panel.push_back(std::to_string(p + 1));
                series.push_back(io::csv_cell(s.name));
                const auto& names = figures_[p].x_ticks_;
                x.push_back(is_bar(s) && i < names.size() ? io::csv_cell(names[i]) : cell(s.x, i));
                y.push_back(cell(s.y, i));
                value.push_back(cell(s.value, i));
            }
        }
    }
    io::CsvTable table;
    if (panel_column_) { table.add_cells("panel", std::move(panel)); }
    table.add_cells("series", std::move(series)).add_cells("x", std::move(x)).add_cells("y", std::move(y));
    if (value_column_) { table.add_cells("value", std::move(value)); }
    return table.to_string();
}

std::string FigureWriter::axes(const Figure& f) const {
    const bool cells = any(f.series_, is_cells), bars = any(f.series_, is_bar);
    std::string text = fmt::format("set title {} noenhanced\n", single_quoted(f.title_));
    const auto axis = [&](char name, const std::string& label, bool log, const auto& range, const auto& ticks,
                          std::vector<double> Series::*values) {
        text += fmt::format("set {}label {} noenhanced\n", name, single_quoted(label));
        text += fmt::format("{} logscale {}\n", log ? "set" : "unset", name);
        text += fmt::format("set format {} '{}'\n", name,
                            !log                               ? "%h"
                            : spans_decades(f.series_, values) ? "10^{%L}"
                                                               : "%g");
        text += range ? fmt::format("set {}range [{}:{}]\n", name, (*range)[0], (*range)[1])
                      : fmt::format("set {}range [*:*]\n", name);
        if (ticks.empty()) {
            text += fmt::format("set {}tics autofreq norotate nomirror\n", name);
        } else {
            const std::string list = tick_list(ticks);
            const bool rotate = name == 'x' && list.size() > 110;
            text += fmt::format("set {}tics ({}) noenhanced {} nomirror\n", name, list,
                                rotate ? "rotate by 25 right" : "norotate");
        }
    };
    auto x_range = f.x_range_, y_range = f.y_range_;
    if (bars && !x_range) { x_range = {-0.6, static_cast<double>(f.x_ticks_.size()) - 0.4}; }
    axis('x', f.x_label_, f.x_log_, x_range, f.x_ticks_, &Series::x);
    axis('y', f.y_label_, f.y_log_, y_range, f.y_ticks_, &Series::y);
    if (bars && !y_range && !f.y_log_) { text += "set yrange [0:*]\n"; }
    // A cell of a matrix is a square, and so is a unit of equal axes.
    text += f.equal_axes_ || cells ? "set size ratio -1\n" : "set size noratio\n";
    text += cells ? "unset grid\nset tics scale 0\n" : "set grid lt 1 lw 0.7 lc rgb '#d0d0d0'\nset tics scale 0.6\n";
    return text;
}

std::string FigureWriter::colours(const Figure& f) const {
    std::string text = "unset colorbox\n";
    for (const Series& s : f.series_) {
        if (!is_cells(s) && !is_regions(s)) { continue; }
        const double high = *std::max_element(s.value.begin(), s.value.end());
        if (is_cells(s)) {
            const double top = f.log_colours_ ? std::log1p(high) : largest(s.value);
            const bool negative = *std::min_element(s.value.begin(), s.value.end()) < 0;
            text += negative ? fmt::format("set palette defined (-1 {}, 0 '#ffffff', 1 {})\n", colour(1), colour(0))
                             : fmt::format("set palette defined (0 '#ffffff', 1 {})\n", colour(0));
            text += fmt::format("set cbrange [{}:{}]\n", negative ? -top : 0, top > 0 ? top : 1);
        } else { // a step for each class
            const auto classes = static_cast<std::size_t>(high) + 1;
            std::string steps;
            for (std::size_t k = 0; k < classes; ++k) {
                steps += fmt::format("{}{} {}, {} {}", k > 0 ? ", " : "", k, tint(k), k + 1, tint(k));
            }
            text += fmt::format("set palette defined ({})\nset cbrange [-0.5:{}]\n", steps,
                                static_cast<double>(classes) - 0.5);
        }
        break;
    }
    return text;
}

std::vector<std::string> FigureWriter::cells(const Figure& f, const Series& s, const std::string& source) const {
    const bool whole = std::all_of(s.value.begin(), s.value.end(), [](double v) { return v == std::floor(v); });
    const double high = largest(s.value);
    // Numbers are white where the colour is more than half of the way to the darkest.
    const double dark = f.log_colours_ ? std::expm1(0.6 * std::log1p(high)) : 0.6 * high;
    const std::string number = fmt::format("(sprintf('{}', ${}))", whole ? "%.0f" : "%.3g", value_);
    const auto numbers = [&](const char* comparison, const char* text_colour) {
        return fmt::format("{} using {}:(abs(${}) {} {} ? ${} : NaN):{} with labels tc rgb '{}' notitle", source, x_,
                           value_, comparison, dark, y_, number, text_colour);
    };
    const std::string shade = f.log_colours_ ? fmt::format("(log(1 + ${}))", value_) : fmt::to_string(value_);
    return {fmt::format("{} using {}:{}:{} with image pixels notitle", source, x_, y_, shade), numbers("<=", "black"),
            numbers(">", "white")};
}

std::vector<std::string> FigureWriter::plots(const Figure& f, std::size_t first_row) const {
    std::vector<std::string> items;
    const auto bar_series = std::count_if(f.series_.begin(), f.series_.end(), is_bar);
    const double bar_width = 0.8 / std::max<double>(1, static_cast<double>(bar_series));
    std::size_t next = 0, next_across = 0, next_bar = 0; // choose colours, dashes and markers
    for (const Series& s : f.series_) {
        const std::size_t rows = rows_of(s);
        const std::string source = fmt::format("data skip 1 every ::{}::{}", first_row, first_row + rows - 1);
        first_row += rows;
        if (rows == 0) { continue; }
        const std::string using_xy = fmt::format("{} using {}:{}", source, x_, y_);
        const std::string title =
            s.name.empty() ? std::string("notitle") : fmt::format("title {} noenhanced", single_quoted(s.name));
        const auto marker = [](const auto& markers, std::size_t k) { return markers[k % markers.size()]; };
        switch (s.kind) {
        case Kind::line:
            items.push_back(fmt::format("{} with lines lw 2.5 dt {} lc rgb {} {}", using_xy,
                                        dashes[next % dashes.size()], colour(next), title));
            ++next;
            break;
        case Kind::line_points:
            items.push_back(fmt::format("{} with linespoints lw 2 pt {} ps 1*dot lc rgb {} {}", using_xy,
                                        marker(filled_markers, next), colour(next), title));
            ++next;
            break;
        case Kind::points:
            items.push_back(fmt::format("{} with points pt {} ps 1.5*dot lc rgb {} {}", using_xy,
                                        marker(filled_markers, next), colour(next), title));
            items.push_back(outline(using_xy, marker(open_markers, next), 1.5));
            ++next;
            break;
        case Kind::step:
            items.push_back(fmt::format("{} with steps lw 2.5 dt {} lc rgb {} {}", using_xy,
                                        dashes[next % dashes.size()], colour(next), title));
            ++next;
            break;
        case Kind::bars: {
            const double offset = bar_width * (static_cast<double>(next_bar) - static_cast<double>(bar_series - 1) / 2);
            items.push_back(fmt::format("{} using ($0 + {:.6g}):{}:({:.6g}) with boxes fill solid 1 border rgb 'white' "
                                        "lc rgb {} {}",
                                        source, offset, y_, bar_width, colour(next_bar), title));
            ++next_bar;
            break;
        }
        case Kind::horizontal:
            items.push_back(fmt::format("{} with lines lw 2 dt {} lc rgb '#404040' {}", s.y.front(),
                                        dash_across(next_across), title));
            ++next_across;
            break;
        case Kind::vertical: // itself an arrow, see panel(); this is its entry in the legend
            items.push_back(
                fmt::format("NaN with lines lw 2 dt {} lc rgb '#404040' {}", dash_across(next_across), title));
            ++next_across;
            break;
        case Kind::scatter:
            items.push_back(fmt::format("{} with points pt {} ps 1*dot lc rgb {} {}", using_xy,
                                        marker(filled_markers, s.colour), colour(s.colour), title));
            items.push_back(outline(using_xy, marker(open_markers, s.colour), 1));
            break;
        case Kind::regions:
            items.push_back(fmt::format("{} using {}:{}:{} with image notitle", source, x_, y_, value_));
            break;
        case Kind::cells:
            for (std::string& item : cells(f, s, source)) { items.push_back(std::move(item)); }
            break;
        }
    }
    return items;
}

std::string FigureWriter::panel(const Figure& f, std::size_t first_row) const {
    std::string text = axes(f) + colours(f) + legend(f) + "unset arrow\n";
    std::size_t across = 0;
    for (const Series& s : f.series_) {
        if (s.kind == Kind::vertical) {
            text += fmt::format("set arrow from first {0}, graph 0 to first {0}, graph 1 nohead lw 2 dt {1} "
                                "lc rgb '#404040'\n",
                                s.x.front(), dash_across(across));
        }
        if (is_across(s)) { ++across; }
    }
    const std::vector<std::string> items = plots(f, first_row);
    for (std::size_t i = 0; i < items.size(); ++i) { text += (i == 0 ? "plot " : ", \\\n     ") + items[i]; }
    return text + "\n";
}

std::string FigureWriter::script() const {
    const bool square = std::all_of(figures_.begin(), figures_.end(),
                                    [](const Figure& f) { return f.equal_axes_ || any(f.series_, is_cells); });
    const std::size_t count = figures_.size();
    const std::size_t width = count > 1 ? std::max<std::size_t>(1000, 500 * count) : square ? 800 : 1000;
    const std::size_t height = count > 1 ? width / count * (square ? 105 : 88) / 100 : square ? 760 : 620;
    std::string text = fmt::format("# Draws {0}.svg and {0}.png from {0}.csv: run `gnuplot {0}.gp` in this folder.\n"
                                   "if (!exists('svg')) svg = '{0}.svg'\n"
                                   "if (!exists('png')) png = '{0}.png'\n"
                                   "data = '{0}.csv'\n"
                                   "set datafile separator ','\n"
                                   "set encoding utf8\n"
                                   "set border 3 lc rgb '#404040'\nset rmargin 5\n\n"
                                   "do for [picture in 'svg png'] {{\n"
                                   "if (picture eq 'svg') {{\n"
                                   "set terminal svg standalone size {1},{2} font 'sans-serif,17' background 'white'\n"
                                   "set output svg\n"
                                   "dot = 0.55 # size of markers: SVG's are larger\n"
                                   "}} else {{\n"
                                   "set terminal pngcairo size {1},{2} font 'sans-serif,13' background 'white'\n"
                                   "set output png\n"
                                   "dot = 1\n"
                                   "}}\n",
                                   stem_, width, height);
    if (count > 1) { text += fmt::format("set multiplot layout 1,{}\n", count); }
    std::size_t first_row = 0;
    for (const Figure& figure : figures_) {
        text += "\n" + panel(figure, first_row);
        for (const Series& s : figure.series_) { first_row += rows_of(s); }
    }
    if (count > 1) { text += "unset multiplot\n"; }
    return text + "unset output\n}\n";
}

} // namespace handgrad::plot
