#pragma once
/// @file
/// Many small pictures, such as digits, in one.
///
/// @snippet files.cpp image_grid

#include <string>
#include <vector>

#include "handgrad/plot/figure.hpp"
#include "handgrad/tensor/tensor.hpp"

namespace handgrad::plot {

/// Colours of pictures.
enum class Colours {
    grey,     ///< from black, the smallest value of all pictures, to white, the largest; not finite: black
    diverging ///< for values with a sign: orange below zero, white at zero, blue above, with a colour bar; not finite: zero
};

/// Draws pictures row by row in a grid, each below its title. All pictures share one scale of colours, so in grey bytes,
/// values in [0, 1] and normalised values look the same. A title that is too long for one line is divided at a blank.
/// @tparam T        float or std::uint8_t
/// @param images    (N, 1, H, W) or (N, H, W); the first rows * cols are drawn
/// @param rows,cols size of the grid; if N is smaller, the last places stay empty
/// @param titles    at least one for each picture drawn, or none
/// @param colours   grey, or diverging for values with a sign
/// @throws ShapeError for another rank or number of channels, an empty grid, or too few titles
template <class T> Figure image_grid(const Tensor<T>& images, std::size_t rows, std::size_t cols,
                                     const std::vector<std::string>& titles = {}, Colours colours = Colours::grey);

/// Draws the same grid as text for a terminal, in shades of ASCII characters, with half as many lines as columns, as
/// characters are about twice as high as wide. Pictures wider than their share of `width` are averaged.
/// @param images,rows,cols,titles as for image_grid()
/// @param width                   largest number of characters in a line
/// @return lines, each with '\n' at its end and without trailing spaces
/// @throws ShapeError as image_grid(), or if a picture would have fewer than 4 columns
template <class T> std::string terminal_grid(const Tensor<T>& images, std::size_t rows, std::size_t cols,
                                             const std::vector<std::string>& titles = {}, std::size_t width = 100);

} // namespace handgrad::plot
