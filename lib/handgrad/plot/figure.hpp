#pragma once
/// @file
/// Diagrams: the data as CSV, a gnuplot script that draws it, and the picture if gnuplot is installed.
///
/// @snippet files.cpp figure

#include <algorithm>
#include <array>
#include <filesystem>
#include <initializer_list>
#include <iterator>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "handgrad/tensor/tensor.hpp"

namespace handgrad::plot {

constexpr std::size_t page_width = 720; ///< width of a picture in pixels; its letters are 16 pixels high

/// Numbers to plot, copied from any container of numbers: a std::vector, a Tensor, {1, 2, 3}.
struct Values {
    std::vector<double> numbers; ///< in the order of the container; row by row if it has several dimensions

    Values(std::initializer_list<double> list) : numbers(list) {} ///< from a list in braces
    /// From a container of numbers.
    template <class Range, class Value = std::decay_t<decltype(*std::begin(std::declval<const Range&>()))>,
              std::enable_if_t<std::is_arithmetic_v<Value>, int> = 0>
    Values(const Range& range) { // NOLINT(google-explicit-constructor): callers pass any container
        for (const auto& value : range) { numbers.push_back(static_cast<double>(value)); }
    }
};

/// Position of the legend.
enum class Legend { top_right, top_left, bottom_right, bottom_left, below, none };

/// The files that save() wrote.
struct SavedFigure {
    std::vector<std::filesystem::path> files; ///< stem.csv and stem.gp; also stem.svg and stem.png if gnuplot ran
    std::string note; ///< why there is no picture, in one line: gnuplot is missing or failed. Empty if there is one
};

/// One diagram. Every function returns the figure, so that calls can be chained.
///
/// The SVG picture has no background, so that it stands on a page of any colour; the PNG picture's is white. Colours are
/// the Okabe-Ito palette, which colour-blind readers can tell apart; dashes and markers differ as well. A
/// value that is not finite leaves a gap, as does a value <= 0 on a logarithmic axis. Functions throw ShapeError if the
/// sizes of their arguments do not fit.
class Figure {
public:
    Figure& title(std::string text) { return set(title_, std::move(text)); }          ///< text above the diagram
    Figure& x_label(std::string text) { return set(x_.label, std::move(text)); }      ///< quantity and its unit
    Figure& y_label(std::string text) { return set(y_.label, std::move(text)); }      ///< quantity and its unit
    Figure& x_log() { return set(x_.log, true); }                                     ///< logarithmic axis
    Figure& y_log() { return set(y_.log, true); }                                     ///< logarithmic axis
    Figure& x_range(double low, double high) { return set(x_.range, {{low, high}}); } ///< default: range of the data
    /// Default: range of the data; low > high turns the axis upside down.
    Figure& y_range(double low, double high) { return set(y_.range, {{low, high}}); }
    Figure& equal_axes() { return set(equal_axes_, true); } ///< one unit has the same length in x and y
    /// Default: below the diagram, where it hides nothing; none for a single name.
    Figure& legend(Legend position) { return set(legend_, {position}); }
    Figure& x_ticks(std::vector<std::string> names) { return set(x_.ticks, std::move(names)); } ///< at 0, 1, 2, ...
    Figure& y_ticks(std::vector<std::string> names) { return set(y_.ticks, std::move(names)); } ///< at 0, 1, 2, ...

    Figure& line(std::string name, const Values& x, const Values& y);        ///< points joined by a line
    Figure& line_points(std::string name, const Values& x, const Values& y); ///< points joined by a line, with markers
    Figure& points(std::string name, const Values& x, const Values& y);      ///< markers
    /// Draws markers, each with a text to its right.
    /// @param name  text in the legend
    /// @param x,y   (N)
    /// @param texts N texts, such as letters
    Figure& labelled_points(std::string name, const Values& x, const Values& y, const std::vector<std::string>& texts);
    Figure& step(std::string name, const Values& x, const Values& y); ///< staircase: y[i] from x[i] to x[i + 1]

    /// Draws a noisy curve, such as the losses of mini-batches, as a pale line with its moving mean on top of it. The
    /// legend names both and the window: "training" and "training, mean of 51".
    /// @param name   text in the legend
    /// @param x,y    (N)
    /// @param window number of neighbouring values in each mean, odd; fewer at both ends
    Figure& smoothed_line(std::string name, const Values& x, const Values& y, std::size_t window);

    /// Draws a bar for each category. Several series of bars stand side by side.
    /// @param name       text in the legend
    /// @param categories names at the x axis, the same for every series
    /// @param heights    one for each category
    Figure& bars(std::string name, const std::vector<std::string>& categories, const Values& heights);

    Figure& horizontal_line(std::string name, double y); ///< dashed line across the diagram
    Figure& vertical_line(std::string name, double x);   ///< dashed line from bottom to top

    /// Draws points with the colour and the marker of their class, "class 0", "class 1", ... in the legend.
    /// @param x,y    (N)
    /// @param labels (N), whole numbers in 0 .. 255
    Figure& scatter(const Values& x, const Values& y, const Values& labels);

    /// Colours the plane by class, beneath everything else: the regions of a classifier and so its decision boundary.
    /// @param x       (cols), equally spaced, ascending: x of each column of the grid
    /// @param y       (rows), equally spaced, ascending: y of each row
    /// @param classes (rows * cols), whole numbers in 0 .. 255, row by row: classes[r * cols + c] for (x[c], y[r])
    Figure& regions(const Values& x, const Values& y, const Values& classes);

    /// Draws thin contour lines of a function, each with its level written at its right end, beneath everything else.
    /// @param x,y    (cols) and (rows), ascending: the grid
    /// @param values (rows * cols), row by row: values[r * cols + c] is the function at (x[c], y[r])
    /// @param levels values at which lines are drawn
    Figure& contour(const Values& x, const Values& y, const Values& values, const Values& levels);

    /// Draws a matrix as coloured cells, row 0 at the top; blue above zero, orange below. The cells contain the numbers
    /// unless there are more than 16 rows or columns. A colour bar shows the scale.
    /// @param matrix     (rows * cols), row by row
    /// @param rows,cols  at least 1
    /// @param log        whether the colours are logarithmic
    Figure& heat_map(const Values& matrix, std::size_t rows, std::size_t cols, bool log = false);

    /// Draws a heat_map() of how often class r (row) was taken for class c (column). The colours are logarithmic, so
    /// that a few errors stand out beside many right answers.
    /// @param counts (K, K), at least 0
    Figure& confusion_matrix(const Tensor<std::int64_t>& counts);

    /// Writes directory/stem.csv with the data and directory/stem.gp, a script that draws them (`gnuplot stem.gp` in
    /// that folder), and has gnuplot draw stem.svg and stem.png if it is on the PATH. The same data give the same
    /// bytes. The files replace those of an earlier run together, once all of them are written: if the disk is full, the
    /// old figure stays. If gnuplot is missing or failed, pictures of an earlier run are removed.
    /// @param directory must exist
    /// @param stem      name of the files, without a folder
    /// @return the files, and a note if gnuplot is missing or failed, which is not an error
    /// @throws DataError if a file cannot be written, ShapeError if there is nothing to draw
    SavedFigure save(const std::filesystem::path& directory, const std::string& stem) const;

private:
    friend SavedFigure save_side_by_side(const std::vector<Figure>& figures, const std::filesystem::path& directory,
                                         const std::string& stem);
    friend class Pictures;
    struct Axis {
        std::string label = {};
        bool log = false;
        std::optional<std::array<double, 2>> range = {};
        std::vector<std::string> ticks = {};
    };
    struct Series {
        std::string name;
        std::vector<double> x, y, value;          // value: of a cell, a region or a pixel
        std::vector<std::string> plots;           // items of gnuplot's command `plot`
        std::string setup = {};                   // commands before it
        std::vector<std::string> categories = {}; // of bars, in place of x
        /// The title of a picture.
        struct Title {
            std::string text; ///< in words
            double x;         ///< place of its middle
            double y;         ///< place of its lower edge
            double letter;    ///< height of a letter
        };
        std::optional<Title> title = {};
        std::size_t rows() const { return std::max(x.size(), y.size()); }
        bool in_legend() const { return !name.empty() && value.empty(); }
    };

    template <class T> Figure& set(T& member, T value) {
        member = std::move(value);
        return *this;
    }
    Figure& add(const char* function, std::string name, const Values& x, const Values& y,
                std::vector<std::string> plots);
    Figure& add_grid(const Values& x, const Values& y, Series series); // beneath everything else
    std::string axis(char name, const Axis& axis, std::vector<double> Series::*data) const;
    Legend placed_legend() const;
    std::size_t height(bool panel) const; // in pixels; there is more room for a legend with many names
    // Of this figure, whose data begin at that row; it may be a panel of several.
    std::string script(std::size_t first_row, bool panel) const;

    std::string title_, setup_;
    Axis x_, y_;
    bool equal_axes_ = false, has_bars_ = false;
    std::size_t height_ = 0; // of the picture, in pixels; 0: the usual height
    std::optional<Legend> legend_;
    std::vector<Series> series_;
    std::size_t styles_ = 0, dashed_ = 0; // numbers of linetypes and of dashed lines in use
};

/// Saves several diagrams in one picture, two beside each other, as Figure::save() does.
SavedFigure save_side_by_side(const std::vector<Figure>& figures, const std::filesystem::path& directory,
                              const std::string& stem);

} // namespace handgrad::plot
