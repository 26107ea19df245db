#pragma once
/// @file

#include <cstddef>
#include <string>
#include <string_view>

#include "handgrad/tensor/shape.hpp"

namespace handgrad {

/// Two numbers, for the rows and the columns of an image. One number is converted to two equal ones, as in PyTorch.
struct Size2d {
    std::size_t h;                                                                   ///< for the rows
    std::size_t w;                                                                   ///< for the columns
    constexpr Size2d(std::size_t both) : h(both), w(both) {}                         ///< the same for both
    constexpr Size2d(std::size_t rows, std::size_t columns) : h(rows), w(columns) {} ///< one for each
    /// True if both numbers are equal.
    friend constexpr bool operator==(Size2d a, Size2d b) { return a.h == b.h && a.w == b.w; }
    /// True if one of them differs.
    friend constexpr bool operator!=(Size2d a, Size2d b) { return !(a == b); }
};

/// "(5, 3)", as Python prints the pair.
inline std::string to_string(Size2d size) { return "(" + as_written(size.h) + ", " + as_written(size.w) + ")"; }

/// "2" for the same number in both directions, "(2, 3)" otherwise. Negative numbers appear as the caller wrote them.
inline std::string as_written(Size2d size) { return size.h == size.w ? as_written(size.h) : to_string(size); }

/// Throws ShapeError for a number that is less than `least`, was negative, or is larger than 2^30:
/// "conv2d_forward: padding is -1, expected at least 0".
void require_size(std::string_view where, std::string_view what, Size2d size, std::size_t least);

} // namespace handgrad
