#include "handgrad/plot/figure.hpp"

#include <cerrno>
#include <cmath>
#include <cstdio>
#include <limits>
#include <set>
#include <sstream>
#include <string_view>
#include <system_error>

#include <fmt/format.h>
#include <sys/wait.h>

#include "handgrad/error.hpp"
#include "handgrad/io/csv.hpp"
#include "handgrad/io/file.hpp"
#include "handgrad/io/shown.hpp"

namespace handgrad::plot {
namespace {

namespace fs = std::filesystem;

constexpr const char* colours = "#0072b2 #d55e00 #009e73 #cc79a7 #e69f00 #56b4e9 #000000 #f0e442"; // of Okabe and Ito
constexpr const char* tints[] = {"#a6cee5", "#f1c7a6", "#a6dece", "#eed1e1",
                                 "#f7dea6", "#c4e5f8", "#a6a6a6", "#faf6bd"}; // the same, 35 % on white

constexpr const char* type_face = "Helvetica, Arial, sans-serif"; // that of the diagrams drawn by hand

/// Markers of a linetype with a dark edge, which separates them from a curve or an area of their colour. In the CSV
/// file, columns 2, 3 and 4 are x, y and value.
std::vector<std::string> markers(std::size_t style, double size) {
    return {fmt::format("using 2:3 with points lt {} ps {}*dot", style, size),
            fmt::format("using 2:3 with points pt marker({}) - 1 ps {}*dot lw 0.6 lc rgb '#202020'", style, size)};
}

std::string dashed(std::size_t number) { return fmt::format("lw 2 dt {} lc rgb '#404040'", 2 + number % 4); }

/// Puts a text between single quotes, and `quote` in place of each quote in it.
std::string quoted(const std::string& text, const char* quote) {
    std::string result = "'";
    for (const char c : text) { result += c == '\'' ? quote : std::string(1, c); }
    return result + "'";
}

/// A text for a gnuplot script, where only the quote is special between single quotes.
std::string gnuplot_text(const std::string& text) { return quoted(io::one_line(text), "''"); }

void require_classes(const char* function, const Values& classes) {
    for (const double k : classes.numbers) {
        require<ShapeError>(k >= 0 && k <= 255 && k == std::floor(k),
                            "Figure::{}: class {}, expected a whole number in 0 .. 255", function, k);
    }
}

/// The pictures that gnuplot drew, or one line that says why there are none.
struct Drawn {
    std::string svg, png, note;
};

/// The files of a figure that gnuplot reads. They may have temporary names.
struct Sources {
    fs::path table, script;
};

/// Runs gnuplot, if it is on the PATH. `script` is the name that messages give to the script. gnuplot writes both
/// pictures to a pipe and not to files, because it ends with status 0 although the disk was full.
Drawn run_gnuplot(const Sources& sources, const fs::path& script) {
    constexpr const char* shell_quote = "'\\''";
    const std::string name = sources.script.filename().string();
    // The shell sends the pictures first, and then the messages. -d skips the user's start-up files: the picture is the
    // same for everybody.
    const std::string command = fmt::format(
        "exec 2>/dev/null; cd {} && exec 3>&1 && messages=$(exec 2>&1 >&3 3>&- </dev/null gnuplot -d "
        "-e \"svg='/dev/stdout'; png='/dev/stdout'; data='{}'\" {}); status=$?; echo; echo \"$messages\"; exit $status",
        quoted(fs::absolute(sources.table).parent_path().string(), shell_quote), sources.table.filename().string(),
        name);
    std::string output, message = "no message";
    std::FILE* const pipe = ::popen(command.c_str(), "r");
    if (pipe == nullptr) { message = std::generic_category().message(errno); }
    std::array<char, 65536> buffer = {};
    for (std::size_t count = 1; pipe != nullptr && count > 0;) {
        count = std::fread(buffer.data(), 1, buffer.size(), pipe);
        output.append(buffer.data(), count);
    }
    const int status = pipe != nullptr ? ::pclose(pipe) : -1;
    const bool not_loaded = output.find("shared librar") != std::string::npos; // for lack of memory, for example
    if (WIFEXITED(status) && WEXITSTATUS(status) == 127 && !not_loaded) {
        return {"", "",
                fmt::format("no picture: gnuplot is not installed; once it is, run 'gnuplot {}' in '{}'",
                            script.filename().string(), script.parent_path().string())};
    }
    using namespace std::string_view_literals;
    constexpr std::string_view png_begin = "\x89PNG\r\n\x1a\n", png_last = "\0\0\0\0IEND\xae\x42\x60\x82"sv;
    const std::size_t svg_end = output.find("</svg>"), png = output.find(png_begin), png_end = output.find(png_last);
    const bool svg_complete = svg_end < png, png_complete = png < png_end && png_end != std::string::npos;
    if (status == 0 && svg_complete && png_complete) {
        return {output.substr(0, png), output.substr(png, png_end + png_last.size() - png), ""};
    }
    std::istringstream lines(output); // the last line with text: gnuplot prints the command first, and then the error
    for (std::string line; std::getline(lines, line);) {
        line = io::one_line(line);
        if (line.find_first_not_of(' ') != std::string::npos) { message = line.substr(0, 300); }
    }
    if (const std::size_t found = message.find(name); found != std::string::npos) {
        message.replace(found, name.size(), script.filename().string());
    }
    if (status == 0) { message = fmt::format("the {} picture is incomplete", svg_complete ? "PNG" : "SVG"); }
    return {"", "", fmt::format("no picture: gnuplot failed on '{}': {}", script.string(), message)};
}

} // namespace

Figure& Figure::add(const char* function, std::string name, const Values& x, const Values& y,
                    std::vector<std::string> plots) {
    require<ShapeError>(x.numbers.size() == y.numbers.size(), "Figure::{}: {} x values and {} y values", function,
                        x.numbers.size(), y.numbers.size());
    series_.push_back({std::move(name), x.numbers, y.numbers, {}, std::move(plots)});
    return *this;
}
Figure& Figure::line(std::string name, const Values& x, const Values& y) {
    return add("line", std::move(name), x, y, {fmt::format("using 2:3 with lines lt {} lw 2.5", ++styles_)});
}
Figure& Figure::line_points(std::string name, const Values& x, const Values& y) {
    return add("line_points", std::move(name), x, y,
               {fmt::format("using 2:3 with linespoints lt {} dt 1 lw 2 ps dot", ++styles_)});
}
Figure& Figure::points(std::string name, const Values& x, const Values& y) {
    return add("points", std::move(name), x, y, markers(++styles_, 1.5));
}
Figure& Figure::labelled_points(std::string name, const Values& x, const Values& y,
                                const std::vector<std::string>& texts) {
    require<ShapeError>(texts.size() == x.numbers.size(), "Figure::labelled_points: {} texts for {} points",
                        texts.size(), x.numbers.size());
    points(std::move(name), x, y);
    for (std::size_t i = 0; i < texts.size(); ++i) {
        if (!std::isfinite(x.numbers[i]) || !std::isfinite(y.numbers[i])) { continue; }
        series_.back().setup += fmt::format("set label {} at {},{} left offset 0.7,0 noenhanced\n",
                                            gnuplot_text(texts[i]), x.numbers[i], y.numbers[i]);
    }
    return *this;
}
Figure& Figure::step(std::string name, const Values& x, const Values& y) {
    return add("step", std::move(name), x, y, {fmt::format("using 2:3 with steps lt {} lw 2.5", ++styles_)});
}

Figure& Figure::smoothed_line(std::string name, const Values& x, const Values& y, std::size_t window) {
    require<ShapeError>(window % 2 == 1, "Figure::smoothed_line: a window of {}, expected an odd number",
                        as_written(window));
    const std::vector<double>& raw = y.numbers;
    std::vector<double> means;
    for (std::size_t i = 0; i < raw.size(); ++i) {
        const std::size_t first = i - std::min(i, window / 2), last = std::min(raw.size() - 1, i + window / 2);
        double sum = 0;
        for (std::size_t k = first; k <= last; ++k) { sum += raw[k]; }
        means.push_back(sum / static_cast<double>(last - first + 1));
    }
    add("smoothed_line", name, x, y, {fmt::format("using 2:3 with lines lt 1 lw 1 lc rgb '{}'", tints[styles_ % 8])});
    return line(fmt::format("{}, mean of {}", name, window), x, means);
}

Figure& Figure::bars(std::string name, const std::vector<std::string>& categories, const Values& heights) {
    require<ShapeError>(categories.size() == heights.numbers.size(), "Figure::bars: {} categories and {} heights",
                        categories.size(), heights.numbers.size());
    require<ShapeError>(!has_bars_ || x_.ticks == categories,
                        "Figure::bars: the categories are not those of the bars before");
    has_bars_ = true;
    x_.ticks = categories;
    add("bars", std::move(name), heights, heights,
        {fmt::format("using 3 with histograms fill solid 1 border rgb 'white' lt {} dt 1", ++styles_)});
    series_.back().categories = categories;
    return *this;
}

Figure& Figure::horizontal_line(std::string name, double y) {
    series_.push_back({std::move(name), {}, {y}, {}, {fmt::format("{} with lines {}", y, dashed(dashed_++))}});
    return *this;
}
Figure& Figure::vertical_line(std::string name, double x) { // an arrow, and an entry in the legend
    const std::string style = dashed(dashed_++);
    series_.push_back({std::move(name), {x}, {}, {}, {"NaN with lines " + style}});
    series_.back().setup = fmt::format("set arrow from {0}, graph 0 to {0}, graph 1 nohead {1}\n", x, style);
    return *this;
}

Figure& Figure::scatter(const Values& x, const Values& y, const Values& labels) {
    const std::vector<double>& classes = labels.numbers;
    require<ShapeError>(x.numbers.size() == y.numbers.size(), "Figure::scatter: {} x values and {} y values",
                        x.numbers.size(), y.numbers.size());
    require<ShapeError>(x.numbers.size() == classes.size(), "Figure::scatter: {} labels for {} points", classes.size(),
                        x.numbers.size());
    require_classes("scatter", labels);
    for (const double k : std::set<double>(classes.begin(), classes.end())) {
        std::vector<double> class_x, class_y;
        for (std::size_t i = 0; i < classes.size(); ++i) {
            if (classes[i] == k) { class_x.push_back(x.numbers[i]), class_y.push_back(y.numbers[i]); }
        }
        add("scatter", fmt::format("class {}", k), class_x, class_y, markers(static_cast<std::size_t>(k) + 1, 1));
    }
    return *this;
}

Figure& Figure::add_grid(const Values& x, const Values& y, Series series) {
    for (const double row : y.numbers) {
        series.x.insert(series.x.end(), x.numbers.begin(), x.numbers.end());
        series.y.insert(series.y.end(), x.numbers.size(), row);
    }
    series_.insert(series_.begin(), std::move(series));
    return *this;
}

Figure& Figure::regions(const Values& x, const Values& y, const Values& classes) {
    const std::size_t cols = x.numbers.size(), rows = y.numbers.size();
    require<ShapeError>(cols >= 2 && rows >= 2 && classes.numbers.size() == rows * cols,
                        "Figure::regions: {} classes for a grid of {} rows and {} columns", classes.numbers.size(),
                        rows, cols);
    require_classes("regions", classes);
    if (!x_.range) { x_range(x.numbers.front(), x.numbers.back()); }
    if (!y_.range) { y_range(y.numbers.front(), y.numbers.back()); }
    const double last = *std::max_element(classes.numbers.begin(), classes.numbers.end());
    std::string steps; // of the palette: one for each class
    for (int k = 0; k <= last; ++k) { steps += fmt::format(", {0} '{1}', {2} '{1}'", k, tints[k % 8], k + 1); }
    Series series{"regions", {}, {}, classes.numbers, {"using 2:3:4 with image"}};
    series.setup = fmt::format("set palette defined ({})\nset cbrange [-0.5:{}]\n", steps.substr(2), last + 0.5);
    return add_grid(x, y, std::move(series));
}

Figure& Figure::contour(const Values& x, const Values& y, const Values& values, const Values& levels) {
    const std::size_t cols = x.numbers.size(), rows = y.numbers.size();
    require<ShapeError>(cols >= 2 && rows >= 2 && values.numbers.size() == rows * cols,
                        "Figure::contour: {} values for a grid of {} rows and {} columns", values.numbers.size(), rows,
                        cols);
    if (!x_.range) { x_range(x.numbers.front(), x.numbers.back()); }
    if (!y_.range) { y_range(y.numbers.front(), y.numbers.back()); }
    constexpr double gap = std::numeric_limits<double>::quiet_NaN();
    for (const double level : levels.numbers) {
        Series series{"", {}, {}, {}, {"using 2:3 with lines lt 1 lw 1 lc rgb '#808080'"}};
        std::vector<std::array<double, 2>> ends; // of the line's pieces within one cell
        const auto cross = [&](std::size_t r0, std::size_t c0, std::size_t r1, std::size_t c1) { // an edge of the cell
            const double from = values.numbers[r0 * cols + c0] - level, to = values.numbers[r1 * cols + c1] - level;
            if ((from < 0) == (to < 0)) { return; }
            const double t = from / (from - to);
            ends.push_back({x.numbers[c0] + t * (x.numbers[c1] - x.numbers[c0]),
                            y.numbers[r0] + t * (y.numbers[r1] - y.numbers[r0])});
        };
        std::array<double, 2> right = {-std::numeric_limits<double>::infinity(), 0};
        for (std::size_t r = 0; r + 1 < rows; ++r) {
            for (std::size_t c = 0; c + 1 < cols; ++c) {
                ends.clear();
                cross(r, c, r, c + 1), cross(r, c + 1, r + 1, c + 1), cross(r + 1, c + 1, r + 1, c),
                    cross(r + 1, c, r, c);
                for (std::size_t i = 0; i + 1 < ends.size(); i += 2) { // 0, 2 or 4 ends
                    for (const auto& [px, py] : {ends[i], ends[i + 1], {gap, gap}}) {
                        series.x.push_back(px), series.y.push_back(py);
                        if (px > right[0]) { right = {px, py}; }
                    }
                }
            }
        }
        if (series.x.empty()) { continue; }
        // Where the line leaves the diagram below or above, its level stands within.
        const double shift = right[1] <= y.numbers.front() ? 0.6 : right[1] >= y.numbers.back() ? -0.6 : 0;
        series.setup = fmt::format("set label '{:g}' at {},{} left offset 0.3,{} tc rgb '#606060'\n", level, right[0],
                                   right[1], shift);
        series_.insert(series_.begin(), std::move(series));
    }
    return *this;
}

Figure& Figure::heat_map(const Values& matrix, std::size_t rows, std::size_t cols, bool log) {
    const std::size_t size = matrix.numbers.size(); // rows * cols may be more than a std::size_t holds
    require<ShapeError>(rows > 0 && cols > 0 && rows <= size && cols <= size && rows * cols == size,
                        "Figure::heat_map: {} values for {} rows and {} columns", size, as_written(rows),
                        as_written(cols));
    const auto places = [](Axis& axis, std::size_t count) {
        std::vector<double> numbers;
        const bool named = !axis.ticks.empty();
        for (std::size_t k = 0; k < count; ++k) {
            numbers.push_back(static_cast<double>(k));
            if (!named) { axis.ticks.push_back(std::to_string(k)); }
        }
        return numbers;
    };
    const Values x = places(x_, cols), y = places(y_, rows);
    x_range(-0.5, static_cast<double>(cols) - 0.5).y_range(static_cast<double>(rows) - 0.5, -0.5).equal_axes();
    double low = 0, high = 0;
    bool whole = true;
    for (const double value : matrix.numbers) {
        low = std::min(low, value); // unless it is NaN
        high = std::max(high, value);
        whole = whole && value == std::floor(value);
    }
    const double largest = std::max(high, -low), top = largest == 0 ? 1 : log ? std::log1p(largest) : largest;
    const char* const shade = log ? "log(1 + $4)" : "$4";
    Series series{"cells", {}, {}, matrix.numbers, {fmt::format("using 2:3:({}) with image pixels", shade)}};
    constexpr std::size_t most = 16; // rows or columns whose cells have room for a number
    if (rows <= most && cols <= most) {
        series.plots.push_back(
            fmt::format("using 2:3:(sprintf('%.{}', $4)):(abs({}) > {} ? 0xffffff : 0) with labels tc rgb variable",
                        whole ? "0f" : "3g", shade, 0.6 * top));
    }
    series.setup = fmt::format("unset grid\nset tics scale 0\nset palette defined ({}0 '#ffffff', 1 '#0072b2')\n"
                               "set cbrange [{}:{}]\nset colorbox\nset rmargin -1\n",
                               low < 0 ? "-1 '#d55e00', " : "", low < 0 ? -top : 0, top);
    if (log) {
        series.setup += "set cbtics ('0' 0";
        for (double count = 1; std::log1p(count) <= top; count *= 10) {
            series.setup += fmt::format(", '{}' {}", count, std::log1p(count));
        }
        series.setup += ")\n";
    }
    return add_grid(x, y, std::move(series));
}

Figure& Figure::confusion_matrix(const Tensor<std::int64_t>& counts) {
    require<ShapeError>(counts.dimension() == 2 && counts.shape()[0] == counts.shape()[1] && counts.size() > 0,
                        "Figure::confusion_matrix: counts have shape {}, expected (K, K)",
                        handgrad::to_string(counts.shape()));
    require<ShapeError>(*std::min_element(counts.begin(), counts.end()) >= 0,
                        "Figure::confusion_matrix: a count is negative");
    if (x_.label.empty()) { x_.label = "predicted class"; }
    if (y_.label.empty()) { y_.label = "true class"; }
    return heat_map(counts, counts.shape()[0], counts.shape()[0], true);
}

std::string Figure::axis(char name, const Axis& axis, std::vector<double> Series::*data) const {
    std::string text = fmt::format("set {}label {} noenhanced\n", name, gnuplot_text(axis.label));
    if (axis.range) { text += fmt::format("set {}range [{}:{}]\n", name, (*axis.range)[0], (*axis.range)[1]); }
    if (axis.log) {
        double low = std::numeric_limits<double>::infinity(), high = 0;
        for (const Series& series : series_) {
            for (const double value : series.*data) {
                if (value > 0 && std::isfinite(value)) { low = std::min(low, value), high = std::max(high, value); }
            }
        }
        // Powers of ten alone are enough for an axis of two decades.
        text +=
            fmt::format("set logscale {0}\nset format {0} '{1}'\n", name, high >= 100 * low ? "10^{/*1.12 %L}" : "%g");
    }
    std::string ticks;
    std::size_t width = 0; // of the names beside each other, in pixels; about 600 are there
    std::size_t longest = 0;
    for (std::size_t i = 0; i < axis.ticks.size(); ++i) {
        width += 8 * (axis.ticks[i].size() + 2);
        longest = std::max(longest, axis.ticks[i].size());
        ticks += fmt::format(", {} {}", gnuplot_text(axis.ticks[i]), i);
    }
    if (ticks.empty()) { return text; }
    return text + fmt::format("set {}tics ({}) noenhanced {}\n", name, ticks.substr(2),
                              name == 'x' && width > 560 && longest > 1 ? "rotate by 25 right" : "");
}

Legend Figure::placed_legend() const {
    const auto names = std::count_if(series_.begin(), series_.end(), [](const Series& s) { return s.in_legend(); });
    return legend_.value_or(names > 1 ? Legend::below : Legend::none);
}

std::size_t Figure::height(bool panel) const {
    if (!panel && (height_ > 0 || equal_axes_)) { return height_ > 0 ? height_ : page_width; }
    std::size_t names = 0, longest = 0;
    for (const Series& series : series_) {
        names += series.in_legend() ? 1 : 0;
        longest = std::max(longest, series.in_legend() ? series.name.size() : 0);
    }
    if (placed_legend() != Legend::below) { names = 0; }
    // A sample and a name, whose letters are about 8 pixels wide, are as often beside each other as there is room.
    const std::size_t columns = std::max<std::size_t>(1, (panel ? 300 : 600) / (80 + 8 * longest));
    return (panel ? 420 : 440) + 24 * ((names + columns - 1) / columns);
}

std::string Figure::script(std::size_t first_row, bool panel) const {
    std::string text = fmt::format("\nreset\nset datafile separator ','\nset border 3 lc rgb '#404040'\n"
                                   "set grid lt 1 dt 1 lw 0.7 lc rgb '#d0d0d0'\nset tics nomirror scale 0.6\n"
                                   "set format '%h'\nset rmargin {}\nunset colorbox\nset title {} noenhanced\n",
                                   panel ? 2 : 5, gnuplot_text(title_)) +
                       axis('x', x_, &Series::x) + axis('y', y_, &Series::y) + setup_;
    if (equal_axes_) { text += "set size ratio -1\n"; }
    if (has_bars_) { text += "set style histogram clustered gap 0.5\n"; }
    if (has_bars_ && !y_.range && !y_.log) { text += "set yrange [0:*]\n"; }
    std::string plots;
    bool lines = false;
    for (const Series& series : series_) {
        const std::string source = fmt::format("data skip 1 every ::{}::{} ", first_row, first_row + series.rows() - 1);
        first_row += series.rows();
        text += series.setup;
        if (series.title) {
            const auto& [title, x, y, size] = *series.title;
            const std::size_t line = title.find('\n'); // between single quotes gnuplot knows no new line
            const std::string more = line < title.size() ? ".\"\\n\"." + gnuplot_text(title.substr(line + 1)) : "";
            text += fmt::format("set label {}{} at {},{} center noenhanced font sprintf(',%g', letter * {})\n",
                                gnuplot_text(title.substr(0, line)), more, x, y, size);
        }
        const bool named = series.in_legend();
        for (std::size_t i = 0; i < series.plots.size() && series.rows() > 0; ++i) {
            plots += (plots.empty() ? "plot " : ", \\\n     ") + (series.plots[i][0] == 'u' ? source : "") +
                     series.plots[i] + (named && i == 0 ? " title " + gnuplot_text(series.name) : " notitle");
            lines = lines || series.plots[i].find("lines") != std::string::npos;
        }
    }
    constexpr const char* keys[] = {"inside top right Right opaque", "inside top left Left reverse opaque",
                                    "inside bottom right Right opaque", "inside bottom left Left reverse opaque",
                                    "outside bottom center horizontal Left reverse height 1"};
    const Legend legend = placed_legend();
    text += legend == Legend::none
                ? "unset key\n"
                : fmt::format("set key {} noenhanced samplen {}\n", keys[static_cast<int>(legend)], lines ? 3 : 0);
    return text + plots + "\n";
}

SavedFigure Figure::save(const std::filesystem::path& directory, const std::string& stem) const {
    return save_side_by_side({*this}, directory, stem);
}

SavedFigure save_side_by_side(const std::vector<Figure>& figures, const std::filesystem::path& directory,
                              const std::string& stem) {
    const bool plain = std::all_of(stem.begin(), stem.end(), [](unsigned char c) { return c > ' ' && c != '/'; });
    require<ShapeError>(!stem.empty() && plain && stem[0] != '-', "Figure::save: '{}' cannot be the name of a file",
                        stem);
    require<ShapeError>(!figures.empty(), "Figure::save: '{}' has no figure", stem);
    const std::size_t count = figures.size();
    bool values = false;
    for (const Figure& figure : figures) {
        for (const Figure::Series& series : figure.series_) { values = values || !series.value.empty(); }
    }
    std::string script, csv = fmt::format("series,x,y{}{}\n", values ? ",value" : "", count > 1 ? ",panel" : "");
    std::size_t rows = 0;
    for (std::size_t panel = 0; panel < count; ++panel) {
        script += figures[panel].script(rows, count > 1);
        const std::size_t first_row = rows;
        for (const Figure::Series& series : figures[panel].series_) {
            const auto cell = [](const auto& cells, std::size_t i) {
                return i < cells.size() ? io::csv_cell(cells[i]) : std::string();
            };
            for (std::size_t i = 0; i < series.rows(); ++i) {
                csv += fmt::format("{},{},{}", io::csv_cell(series.name),
                                   series.categories.empty() ? cell(series.x, i) : cell(series.categories, i),
                                   cell(series.y, i));
                if (values) { csv += ',' + cell(series.value, i); }
                if (count > 1) { csv += fmt::format(",{}", panel + 1); }
                csv += '\n';
            }
            rows += series.rows();
        }
        require<ShapeError>(rows > first_row, "Figure::save: '{}' has nothing to draw", stem);
    }
    const std::size_t panel_rows = (count + 1) / 2; // of two panels each, so that their letters can be read
    std::size_t height = 0;
    for (const Figure& figure : figures) { height = std::max(height, figure.height(count > 1) * panel_rows); }
    const std::string header =
        fmt::format(R"(# Draws {0}.svg and {0}.png from {0}.csv: run `gnuplot {0}.gp` in this folder.
if (!exists('svg')) svg = '{0}.svg'
if (!exists('png')) png = '{0}.png'
if (!exists('data')) data = '{0}.csv'
set encoding utf8
set dashtype 2 (20,8); set dashtype 3 (4,8); set dashtype 4 (20,8,4,8); set dashtype 5 (40,12)
marker(k) = int(word('7 5 9 13 11', 1 + (k - 1) % 5)) # disc, square, triangle, diamond, triangle down
do for [k = 1:256] {{
set linetype k lc rgb word('{1}', 1 + (k - 1) % 8) dt 1 + (k - 1) % 5 pt marker(k)
}}
do for [picture in 'svg png'] {{
if (picture eq 'svg') {{
set terminal svg standalone size {2},{3} font '{4},16'
set output svg
dot = 0.55 # sizes of markers and letters: SVG's units differ
letter = 1
}} else {{
set terminal pngcairo size {2}*2,{3}*2 font '{4},12' fontscale 2 linewidth 2 pointscale 2 background 'white'
set output png
dot = 1
letter = 0.75
}}
{5})",
                    stem, colours, page_width, height, type_face,
                    count > 1 ? fmt::format("dot = 0.7*dot\nset multiplot layout {},2\n", panel_rows) : "");
    const fs::path folder = directory.empty() ? "." : directory;
    const auto file = [&](const char* ending) { return folder / (stem + ending); };
    std::vector<io::PendingFile> files; // replace those of an earlier run together, after all of them are written
    files.emplace_back(file(".csv"), csv);
    files.emplace_back(file(".gp"), header + script + (count > 1 ? "unset multiplot\n" : "") + "unset output\n}\n");
    const Drawn drawn = run_gnuplot({files[0].temporary(), files[1].temporary()}, file(".gp"));
    SavedFigure saved{{file(".csv"), file(".gp")}, drawn.note};
    if (saved.note.empty()) {
        files.emplace_back(file(".svg"), drawn.svg);
        files.emplace_back(file(".png"), drawn.png);
        saved.files.insert(saved.files.end(), {file(".svg"), file(".png")});
    }
    for (io::PendingFile& pending : files) { pending.commit(); }
    for (const char* ending : {".svg", ".png"}) { // pictures of an earlier run must not outlive their data
        std::error_code ignored;
        if (!saved.note.empty()) { fs::remove(file(ending), ignored); }
    }
    return saved;
}

} // namespace handgrad::plot
