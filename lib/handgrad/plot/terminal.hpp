#pragma once
/// @file
/// Diagrams of characters, for the terminal.

#include <cstdint>
#include <string>

#include "handgrad/plot/figure.hpp"
#include "handgrad/tensor/tensor.hpp"

namespace handgrad::plot {

/// Draws a curve of '*', joined by dots, between axes whose ends are labelled. Values that are not finite are left out.
/// @param x,y    (N), N >= 1
/// @param width  characters in a line, labels included; at least 30
/// @param height lines without the x axis; at least 4
/// @return height + 2 lines, each with '\n' at its end
/// @throws ShapeError if x and y differ in length, nothing is finite, or the size is too small
std::string terminal_lines(const Values& x, const Values& y, std::size_t width = 72, std::size_t height = 16);

/// Prints a confusion matrix as a table: a row for each true class with its recall, a column for each predicted class.
/// Zeros are printed as dots, so that errors stand out.
/// @param counts (K, K): counts(r, c) examples of class r were taken for class c
/// @throws ShapeError if it is not square
std::string confusion_matrix_text(const Tensor<std::int64_t>& counts);

} // namespace handgrad::plot
