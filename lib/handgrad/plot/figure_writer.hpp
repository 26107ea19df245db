#pragma once
// Turns figures into a CSV file and the gnuplot script that draws it.

#include <string>
#include <vector>

#include "handgrad/plot/figure.hpp"

namespace handgrad::plot {

class FigureWriter {
public:
    /// @throws ShapeError if a figure has nothing to draw
    FigureWriter(const std::vector<Figure>& figures, std::string stem);

    /// One line for each point: [panel,] series, x, y [, value].
    std::string csv() const;

    /// The script. It draws everything twice, for SVG and for PNG.
    std::string script() const;

private:
    std::string panel(const Figure& figure, std::size_t first_row) const;
    std::string axes(const Figure& figure) const;
    std::string colours(const Figure& figure) const;
    std::string legend(const Figure& figure) const;
    /// The first corner where a legend with so many names hides nothing; below the diagram if there is none.
    Legend free_corner(const Figure& figure, std::size_t names) const;
    std::vector<std::string> plots(const Figure& figure, std::size_t first_row) const;
    std::vector<std::string> cells(const Figure& figure, const detail::Series& series, const std::string& source) const;

    const std::vector<Figure>& figures_;
    std::string stem_;
    bool panel_column_, value_column_;
    int x_, y_, value_; // numbers of the columns
};

} // namespace handgrad::plot
