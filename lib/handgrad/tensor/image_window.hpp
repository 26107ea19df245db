#pragma once
/// @file
/// The part of an image that an augmented image shows. This header includes no xtensor: kernels use it as well.

#include <cstddef>
#include <cstdint>

#include "handgrad/tensor/view.hpp"

namespace handgrad {

/// Where the pixels of an augmented image come from. The pixel in row p and column q shows row `first_row + p` and column
/// `first_column + column_step q` of the source if p and q are within the covered ranges, and is 0 otherwise. Crops,
/// shifts and flips, one after another, are always of this form.
struct ImageWindow {
    std::int32_t first_row = 0;     ///< row of the source that row 0 shows; negative above the source
    std::int32_t first_column = 0;  ///< column of the source that column 0 shows
    std::int32_t column_step = 1;   ///< 1, or -1 if the image is flipped
    std::int32_t rows_begin = 0;    ///< first covered row
    std::int32_t rows_end = 0;      ///< row after the last covered row
    std::int32_t columns_begin = 0; ///< first covered column
    std::int32_t columns_end = 0;   ///< column after the last covered column

    /// Whether the pixel (p, q) shows a pixel of the source.
    HANDGRAD_HOST_DEVICE bool covers(std::int32_t p, std::int32_t q) const {
        return p >= rows_begin && p < rows_end && q >= columns_begin && q < columns_end;
    }
    /// The position in the source, of `width` columns, that a covered pixel (p, q) shows.
    HANDGRAD_HOST_DEVICE std::size_t source(std::int32_t p, std::int32_t q, std::size_t width) const {
        return static_cast<std::size_t>(first_row + p) * width +
               static_cast<std::size_t>(first_column + column_step * q);
    }
};

} // namespace handgrad
