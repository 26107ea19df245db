#pragma once
// A convolution's numbers by the letters of contract/conv2d.hpp, as kernels take them: plain ints, by value.

#include <cstddef>

#include "handgrad/tensor/view.hpp"

namespace handgrad::device {

/// Rows or columns: where tap r of window p looks, i = stride p + dilation r - padding.
struct Axis {
    int size;    ///< of the image: H or W
    int kernel;  ///< taps: R or S
    int windows; ///< P or Q
    int stride, padding, dilation;

    /// The pixel under tap r of window p; outside of 0 .. size - 1 lies the padding.
    HANDGRAD_HOST_DEVICE int pixel(int p, int r) const { return stride * p + dilation * r - padding; }
    /// The window whose tap r looks at pixel i, or -1.
    HANDGRAD_HOST_DEVICE int window(int i, int r) const {
        const int start = i + padding - dilation * r;
        if (stride == 1) {
            return start >= 0 && start < windows ? start : -1;
        } // a division takes as long as ten products
        return start >= 0 && start % stride == 0 && start / stride < windows ? start / stride : -1;
    }
    HANDGRAD_HOST_DEVICE bool inside(int i) const { return i >= 0 && i < size; }
};

/// An axis from numbers that are known to fit an int.
inline Axis axis(std::size_t size, std::size_t kernel, std::size_t windows, std::size_t stride, std::size_t padding,
                 std::size_t dilation) {
    const auto number = [](std::size_t i) { return static_cast<int>(i); };
    return {number(size), number(kernel), number(windows), number(stride), number(padding), number(dilation)};
}

/// All of a convolution. Private functions do not take away from its being an aggregate: {N, C, K, groups, rows, columns}.
struct ConvExtents {
    int N, C, K, groups;
    Axis rows, columns;

    HANDGRAD_HOST_DEVICE int group_in() const { return C / groups; }  ///< input channels of a group
    HANDGRAD_HOST_DEVICE int group_out() const { return K / groups; } ///< output channels of a group

    std::size_t x_size() const { return product(N, C, rows.size, columns.size); }
    std::size_t y_size() const { return product(N, K, rows.windows, columns.windows); }
    std::size_t pooled_size() const { return product(N, K, rows.windows / 2, columns.windows / 2); }
    std::size_t w_size() const { return product(K, group_in(), rows.kernel, columns.kernel); }
    std::size_t taps() const { return product(group_in(), rows.kernel, columns.kernel, 1); } ///< products in a sum
    /// Products in a sum of the gradient for the input, at most.
    std::size_t gathered() const { return product(group_out(), rows.kernel, columns.kernel, 1); }

private:
    static std::size_t product(int a, int b, int c, int d) {
        return static_cast<std::size_t>(a) * static_cast<std::size_t>(b) * static_cast<std::size_t>(c) *
               static_cast<std::size_t>(d);
    }
};

} // namespace handgrad::device
