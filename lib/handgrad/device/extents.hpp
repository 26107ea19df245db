#pragma once
// The windows of a convolution or a pooling along one axis, for the kernels of the device: plain ints, passed by value.

#include <cstddef>

#include "handgrad/tensor/view.hpp"

namespace handgrad::device {

/// Rows or columns: tap r of window p lies on pixel i = stride p + dilation r - padding.
struct Axis {
    int size;    ///< extent of the image: H or W
    int kernel;  ///< number of taps: R or S
    int windows; ///< number of windows: P or Q
    int stride, padding, dilation;

    /// The pixel at tap r of window p. A result outside 0 .. size - 1 is in the padding.
    HANDGRAD_HOST_DEVICE int pixel(int p, int r) const { return stride * p + dilation * r - padding; }
    /// The window whose tap r lies on pixel i, or -1.
    HANDGRAD_HOST_DEVICE int window(int i, int r) const {
        const int start = i + padding - dilation * r;
        // A division takes as long as ten multiplications.
        if (stride == 1) { return start >= 0 && start < windows ? start : -1; }
        return start >= 0 && start % stride == 0 && start / stride < windows ? start / stride : -1;
    }
    HANDGRAD_HOST_DEVICE bool inside(int i) const { return i >= 0 && i < size; }
};

/// An axis from numbers that the caller has checked to fit an int.
inline Axis axis(std::size_t size, std::size_t kernel, std::size_t windows, std::size_t stride, std::size_t padding,
                 std::size_t dilation) {
    const auto number = [](std::size_t i) { return static_cast<int>(i); };
    return {number(size), number(kernel), number(windows), number(stride), number(padding), number(dilation)};
}

} // namespace handgrad::device
