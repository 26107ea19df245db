#pragma once
/// @file
/// The windows that a convolution or a pooling moves over an image: their number, and the checks of their options.

#include <cstddef>
#include <string_view>

#include "handgrad/ops/size2d.hpp"
#include "handgrad/tensor/shape.hpp"

namespace handgrad {

/// The largest size, stride, padding or dilation. Larger numbers are errors of the caller; sums of smaller ones do not
/// overflow.
inline constexpr std::size_t largest_extent = std::size_t(1) << 30;

/// The positions of windows on an image: the options of both convolution and pooling.
struct Windows {
    Size2d kernel;          ///< R x S
    Size2d stride;          ///< pixels from one window to the next
    Size2d padding;         ///< pixels added on each side of the image
    Size2d dilation;        ///< pixels from one tap of the kernel to the next
    bool ceil_mode = false; ///< whether the number of windows is rounded up
};

/// Checks kernel size, stride, padding and dilation by themselves, on behalf of `where`. @throws ShapeError
void require_windows(std::string_view where, const Windows& windows);

/// Checks that no padding is larger than half of the kernel, as pooling demands. @throws ShapeError
void require_half_padding(std::string_view where, const Windows& windows);

/// Returns P x Q, the numbers of windows on the images x, (N, C, H, W), on behalf of `where`.
/// @throws ShapeError for invalid options or a kernel larger than the padded image
Size2d count_windows(std::string_view where, const Shape& x, const Windows& windows);

/// Returns (N, C, P, Q), the shape of a pooled x.
/// @throws ShapeError as count_windows, if x is not (N, C, H, W), if a padding is larger than half of the kernel, and
/// if a window contains no pixel
Shape pooled_shape(std::string_view where, const Shape& x, const Windows& windows);

} // namespace handgrad
