#pragma once
/// @file
/// Many small pictures, such as digits, in one: as an image and as text.
///
/// @snippet files.cpp image_grid

#include <cstdint>
#include <string>
#include <vector>

#include "handgrad/plot/png.hpp"
#include "handgrad/tensor/tensor.hpp"

namespace handgrad::plot {

/// How image_grid() draws.
struct ImageGridOptions {
    std::size_t width = 1000; ///< about how many pixels the grid takes: digits are magnified until they fill it
    std::size_t scale = 0;    ///< magnification, pixels for a pixel of the digit; 0: chosen by `width`
    std::size_t margin = 16;  ///< white pixels around each picture
};

/// Pictures row by row in a grid on white, each with its title above it, magnified by a whole number.
///
/// The darkest value among the pictures shown becomes black and the brightest white, so that bytes, values in [0, 1] and
/// normalised values look the same.
/// @param images  (N, 1, H, W) or (N, H, W); the first rows * cols of them are drawn
/// @param rows    rows of the grid; where N is smaller, the last places stay empty
/// @param cols    columns of the grid
/// @param titles  ASCII, one for each picture drawn (more are allowed), or none at all; long ones move the pictures apart
/// @param options size
/// @return an image with 1 channel
/// @throws ShapeError for another rank or channel count, an empty grid, or too few titles
Image image_grid(const Tensor<float>& images, std::size_t rows, std::size_t cols,
                 const std::vector<std::string>& titles = {}, const ImageGridOptions& options = {});
/// The same for bytes.
Image image_grid(const Tensor<std::uint8_t>& images, std::size_t rows, std::size_t cols,
                 const std::vector<std::string>& titles = {}, const ImageGridOptions& options = {});

/// The same grid as lines of text for a terminal, in shades made of ASCII characters.
///
/// A character is about twice as high as wide, so each picture takes half as many lines as columns; it is made smaller
/// by averaging where `width` asks for it.
/// @param images,rows,cols,titles as for image_grid()
/// @param width  characters in a line, at most
/// @return lines, each with '\n' at its end and without trailing spaces
/// @throws ShapeError as image_grid(), or if the pictures would be less than 4 characters wide
std::string terminal_grid(const Tensor<float>& images, std::size_t rows, std::size_t cols,
                          const std::vector<std::string>& titles = {}, std::size_t width = 100);
/// The same for bytes.
std::string terminal_grid(const Tensor<std::uint8_t>& images, std::size_t rows, std::size_t cols,
                          const std::vector<std::string>& titles = {}, std::size_t width = 100);

} // namespace handgrad::plot
