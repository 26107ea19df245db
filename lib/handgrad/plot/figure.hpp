#pragma once
/// @file
/// Diagrams with axes: the data as CSV, a gnuplot script that draws it, and the picture where gnuplot is installed.
///
/// @snippet files.cpp figure

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

/// Numbers to plot, copied from any container of numbers: a std::vector, a Tensor, {1, 2, 3}.
struct Values {
    std::vector<double> numbers; ///< the numbers, in the container's order

    /// From a list in braces.
    Values(std::initializer_list<double> list) : numbers(list) {}
    /// From any container of numbers, row by row where it has several dimensions.
    template <class Range, class Value = std::decay_t<decltype(*std::begin(std::declval<const Range&>()))>,
              std::enable_if_t<std::is_arithmetic_v<Value>, int> = 0>
    Values(const Range& range) { // NOLINT(google-explicit-constructor): that is its purpose
        for (const auto& value : range) { numbers.push_back(static_cast<double>(value)); }
    }
};

/// Where the legend stands.
enum class Legend { top_right, top_left, bottom_right, bottom_left, below, none };

/// What save() wrote.
struct SavedFigure {
    std::vector<std::filesystem::path> files; ///< stem.csv and stem.gp; then stem.svg and stem.png where gnuplot ran
    std::string note; ///< empty, or one line: why there is no picture (gnuplot is missing, or what it complained about)
};

namespace detail {
/// One set of data and the way that it is drawn.
struct Series {
    enum class Kind { line, line_points, points, step, bars, horizontal, vertical, scatter, regions, cells };
    Kind kind;
    std::string name;
    std::vector<double> x, y, value;
    std::size_t colour = 0; // index into the palette
};
} // namespace detail

/// One diagram. All setters and series return the figure, so that calls can be chained.
///
/// Colours are the Okabe-Ito palette, which colour-blind readers can tell apart; line styles and markers differ too.
/// A value that is not finite leaves a gap; so does a value <= 0 on a logarithmic axis.
/// Series throw ShapeError where their arguments differ in length.
class Figure {
public:
    Figure& title(std::string text);                 ///< above the diagram
    Figure& x_label(std::string text);               ///< what the axis shows, with its unit
    Figure& y_label(std::string text);               ///< what the axis shows, with its unit
    Figure& x_log();                                 ///< logarithmic, powers of ten
    Figure& y_log();                                 ///< logarithmic, powers of ten
    Figure& x_range(double low, double high);        ///< default: as the data ask
    Figure& y_range(double low, double high);        ///< default: as the data ask; low > high turns the axis over
    Figure& equal_axes();                            ///< one unit is as long in x as in y
    Figure& legend(Legend position);                 ///< default: in a corner that is free, or below; none for one name
    Figure& x_ticks(std::vector<std::string> names); ///< names at 0, 1, 2, ... in place of numbers
    Figure& y_ticks(std::vector<std::string> names); ///< names at 0, 1, 2, ... in place of numbers

    /// Points joined by a line.
    Figure& line(std::string name, const Values& x, const Values& y);
    /// Points joined by a line, with a marker on each.
    Figure& line_points(std::string name, const Values& x, const Values& y);
    /// Markers only.
    Figure& points(std::string name, const Values& x, const Values& y);
    /// A staircase: y[i] from x[i] to x[i + 1].
    Figure& step(std::string name, const Values& x, const Values& y);
    /// A bar for each category, named at the axis; several series stand side by side.
    /// @param name       for the legend
    /// @param categories names at the x axis; the same for every series of bars
    /// @param heights    one for each category
    Figure& bars(std::string name, const std::vector<std::string>& categories, const Values& heights);
    /// A dashed line across the whole diagram, for a value to compare with.
    Figure& horizontal_line(std::string name, double y);
    /// A dashed line from bottom to top.
    Figure& vertical_line(std::string name, double x);

    /// Points coloured and marked by class: "class 0", "class 1", ... in the legend.
    /// @param x,y    (N)
    /// @param labels (N), whole numbers from 0
    /// @throws ShapeError if the lengths differ or a label is not a whole number in 0 .. 255
    Figure& scatter(const Values& x, const Values& y, const Values& labels);

    /// The plane coloured by class, beneath everything else: a classifier's regions and so its decision boundary.
    /// @param x       (cols) equally spaced, ascending: the x of each column of the grid
    /// @param y       (rows) equally spaced, ascending: the y of each row
    /// @param classes (rows * cols) whole numbers from 0, row by row: classes[r * cols + c] belongs to (x[c], y[r])
    /// @throws ShapeError if the sizes do not fit, are less than 2, or a class is not a whole number in 0 .. 255
    Figure& regions(const Values& x, const Values& y, const Values& classes);

    /// A matrix as coloured cells with the numbers in them, row 0 at the top; blue above zero, orange below it.
    /// @param matrix  (rows * cols), row by row
    /// @param rows    number of rows
    /// @param cols    number of columns
    /// @throws ShapeError if the sizes do not fit or are 0
    Figure& heat_map(const Values& matrix, std::size_t rows, std::size_t cols);

    /// heat_map() of how often class r (row) was taken for class c (column); colours by the logarithm, so that the few
    /// errors can be seen beside the many right answers.
    /// @param counts (K, K)
    /// @throws ShapeError if it is not square
    Figure& confusion_matrix(const Tensor<std::int64_t>& counts);

    /// Writes directory/stem.csv with the data and directory/stem.gp, a script that draws it (run `gnuplot stem.gp` in
    /// the folder), then has gnuplot make stem.svg and stem.png, if it is on the PATH.
    ///
    /// The same data give the same bytes. Pictures of an earlier run are removed if they cannot be replaced.
    /// @param directory must exist
    /// @param stem      the files' name, without a folder
    /// @return what was written. That gnuplot is missing or fails is not an error: see SavedFigure::note.
    /// @throws DataError if a file cannot be written, ShapeError if there is nothing to draw
    SavedFigure save(const std::filesystem::path& directory, const std::string& stem) const;

private:
    friend class FigureWriter;
    std::string title_, x_label_, y_label_;
    bool x_log_ = false, y_log_ = false, equal_axes_ = false, log_colours_ = false;
    std::optional<std::array<double, 2>> x_range_, y_range_;
    std::optional<Legend> legend_;
    std::vector<std::string> x_ticks_, y_ticks_;
    std::vector<detail::Series> series_;
};

/// Several diagrams beside each other in one picture. Otherwise as Figure::save().
SavedFigure save_side_by_side(const std::vector<Figure>& figures, const std::filesystem::path& directory,
                              const std::string& stem);

} // namespace handgrad::plot
