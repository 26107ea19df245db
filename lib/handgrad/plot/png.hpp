#pragma once
/// @file
/// Pictures made of pixels, and PNG files of them.

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace handgrad::plot {

/// A picture with 8 bits a channel: grey (1 channel) or RGB (3), stored row by row from the top left.
struct Image {
    std::size_t height = 0;           ///< rows
    std::size_t width = 0;            ///< pixels in a row
    std::size_t channels = 1;         ///< 1 or 3
    std::vector<std::uint8_t> pixels; ///< height * width * channels values, 0 dark .. 255 bright, sRGB
};

/// The bytes of a PNG file.
/// @throws ShapeError if the picture is empty, has other than 1 or 3 channels, or the wrong number of pixels
std::string encode_png(const Image& image);

/// Writes a PNG file, complete or not at all.
/// @param path  the file; its folder must exist
/// @param image grey or RGB
/// @throws ShapeError as encode_png(), DataError if it cannot be written
void write_png(const std::filesystem::path& path, const Image& image);

} // namespace handgrad::plot
