#pragma once
// The work items of the pooling kernels. Formulas: pool2d.hpp. Their index arithmetic uses int, which is faster on a
// GPU; the kernels refuse tensors with more numbers than an int can count.

#include <cstdint>

#include "handgrad/device/extents.hpp"
#include "handgrad/tensor/view.hpp"

namespace handgrad::device {

/// The largest pixel of a window and its number. One item for each window reads R S pixels, with one comparison for
/// each.
template <class T> struct MaxPool2dForward {
    Axis rows, columns;
    ImagesView<const T> x;
    ImagesView<T> y;
    ImagesView<std::int32_t> indices;

    HANDGRAD_HOST_DEVICE void operator()(int item) const {
        const int q = item % columns.windows, p = item / columns.windows % rows.windows;
        const T* image = x.data + item / columns.windows / rows.windows * rows.size * columns.size;
        T best(0);
        int winner = -1; // none yet
        for (int r = 0; r < rows.kernel; ++r) {
            const int i = rows.pixel(p, r);
            if (!rows.inside(i)) { continue; }
            for (int s = 0; s < columns.kernel; ++s) {
                const int j = columns.pixel(q, s);
                if (!columns.inside(j)) { continue; }
                const T v = image[i * columns.size + j];
                if (winner < 0 || v > best || v != v) { // a NaN always wins
                    best = v;
                    winner = i * columns.size + j;
                }
            }
        }
        y.data[item] = best;
        indices.data[item] = winner;
    }
};

/// dx of one channel of one image: zeros, then every dy is added at its winner. One item for each channel, because only
/// windows of the same channel can have the same winner: no two items write to the same pixel, and each adds its
/// windows in row-major order.
template <class T> struct MaxPool2dBackward {
    ImagesView<const T> dy;
    ImagesView<const std::int32_t> indices;
    ImagesView<T> dx;

    HANDGRAD_HOST_DEVICE void operator()(int channel) const {
        const int pixels = static_cast<int>(dx.h * dx.w), windows = static_cast<int>(dy.h * dy.w); // in a channel
        T* image = dx.data + channel * pixels;
        for (int i = 0; i < pixels; ++i) { image[i] = T(0); }
        for (int i = channel * windows; i < (channel + 1) * windows; ++i) { image[indices.data[i]] += dy.data[i]; }
    }
};

/// The windows of average-pooling, and the number A by which a window's sum is divided.
struct Averaging {
    Axis rows, columns;
    bool count_include_pad;

    /// The number of places of window p along an axis that count: those inside the image, or inside the image and its
    /// padding.
    HANDGRAD_HOST_DEVICE int counted(const Axis& axis, int p) const {
        const int begin = axis.pixel(p, 0), end = begin + axis.kernel; // no dilation
        const int low = count_include_pad ? -axis.padding : 0;
        const int high = count_include_pad ? axis.size + axis.padding : axis.size;
        return (end < high ? end : high) - (begin > low ? begin : low);
    }
    /// A of window (p, q).
    HANDGRAD_HOST_DEVICE int area(int p, int q) const { return counted(rows, p) * counted(columns, q); }
};

/// The mean of a window. One item for each window, R S additions.
template <class T> struct AvgPool2dForward {
    Averaging a;
    ImagesView<const T> x;

    HANDGRAD_HOST_DEVICE T operator()(int item) const {
        const int q = item % a.columns.windows, p = item / a.columns.windows % a.rows.windows;
        const T* image = x.data + item / a.columns.windows / a.rows.windows * a.rows.size * a.columns.size;
        T sum(0);
        for (int r = 0; r < a.rows.kernel; ++r) {
            const int i = a.rows.pixel(p, r);
            if (!a.rows.inside(i)) { continue; }
            for (int s = 0; s < a.columns.kernel; ++s) {
                const int j = a.columns.pixel(q, s);
                if (a.columns.inside(j)) { sum += image[i * a.columns.size + j]; }
            }
        }
        return sum / static_cast<T>(a.area(p, q));
    }
};

/// dx of a pixel: the sum of dy / A over the windows that cover it. One item for each pixel.
template <class T> struct AvgPool2dBackward {
    Averaging a;
    ImagesView<const T> dy;

    HANDGRAD_HOST_DEVICE T operator()(int item) const {
        const int j = item % a.columns.size, i = item / a.columns.size % a.rows.size;
        const T* image = dy.data + item / a.columns.size / a.rows.size * a.rows.windows * a.columns.windows;
        T sum(0);
        for (int r = a.rows.kernel; r-- > 0;) { // the last tap belongs to the first window: row-major order
            const int p = a.rows.window(i, r);
            if (p < 0) { continue; }
            for (int s = a.columns.kernel; s-- > 0;) {
                const int q = a.columns.window(j, s);
                if (q >= 0) { sum += image[p * a.columns.windows + q] / static_cast<T>(a.area(p, q)); }
            }
        }
        return sum;
    }
};

} // namespace handgrad::device
