#pragma once
// The extents of a convolution, with the letters of conv2d.hpp, for the kernels of the device: plain ints, passed by
// value.

#include "handgrad/device/extents.hpp"
#include "handgrad/device/run.hpp"
#include "handgrad/ops/conv2d/conv2d.hpp"

namespace handgrad::device {

/// All extents of a convolution: the aggregate {N, C, K, groups, rows, columns}.
struct ConvExtents {
    int N, C, K, groups;
    Axis rows, columns;

    HANDGRAD_HOST_DEVICE int group_in() const { return C / groups; }  ///< input channels of a group
    HANDGRAD_HOST_DEVICE int group_out() const { return K / groups; } ///< output channels of a group

    std::size_t taps() const { return product(group_in()); } ///< number of products in a sum
    /// The largest number of products in a sum of the gradient of the input.
    std::size_t gathered() const { return product(group_out()); }

private:
    std::size_t product(int channels) const {
        return static_cast<std::size_t>(channels) * static_cast<std::size_t>(rows.kernel) *
               static_cast<std::size_t>(columns.kernel);
    }
};

/// The extents as ints, checked on behalf of `where`.
/// @param x (N, C_in, H, W), also dx @param w (C_out, C_in/groups, R, S), also dw @param result P x Q
/// @throws ShapeError if x, w or the result has more numbers than an int counts
template <class X, class W>
ConvExtents extents(std::string_view where, ImagesView<X> x, ImagesView<W> w, Size2d result, const Conv2dOptions& o) {
    countable(where, "x", x.size());
    countable(where, "w", w.size());
    countable(where, "y", x.n * w.n * result.h * result.w);
    const auto number = [](std::size_t i) { return static_cast<int>(i); };
    return {number(x.n),
            number(x.c),
            number(w.n),
            number(o.groups),
            axis(x.h, w.h, result.h, o.stride.h, o.padding.h, o.dilation.h),
            axis(x.w, w.w, result.w, o.stride.w, o.padding.w, o.dilation.w)};
}

} // namespace handgrad::device
