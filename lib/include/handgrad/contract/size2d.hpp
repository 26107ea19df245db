#pragma once
/// @file

#include <cstddef>
#include <string>

namespace handgrad {

/// Two numbers, for the rows and the columns of an image; one number stands for both, as in PyTorch.
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
inline std::string to_string(Size2d size) { return "(" + std::to_string(size.h) + ", " + std::to_string(size.w) + ")"; }

} // namespace handgrad
