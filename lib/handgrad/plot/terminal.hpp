#pragma once
/// @file
/// Diagrams made of characters, for the terminal.

#include <cstdint>
#include <string>

#include "handgrad/plot/figure.hpp"
#include "handgrad/tensor/tensor.hpp"

namespace handgrad::plot {

/// A curve drawn with '*', joined by dots, between axes whose ends are labelled; a value that is not finite is left out.
/// @param x,y    (N), N >= 1
/// @param width  characters in a line, labels included; at least 30
/// @param height lines of the drawing, without the x axis; at least 4
/// @return height + 2 lines, each with '\n' at its end
/// @throws ShapeError if x and y differ in length, nothing is finite, or the size is too small
std::string terminal_lines(const Values& x, const Values& y, std::size_t width = 72, std::size_t height = 16);

/// A confusion matrix as a table: a row for each true class, a column for each predicted one, the recall at the end of
/// each row; zeros as dots, so that the errors stand out.
/// @param counts (K, K): counts(r, c) examples of class r were taken for class c
/// @throws ShapeError if it is not square
std::string confusion_matrix_text(const Tensor<std::int64_t>& counts);

} // namespace handgrad::plot
