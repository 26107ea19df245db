#pragma once
// The work items of the convolution's kernels. Formulas: conv2d.hpp. Their index arithmetic uses int, which is faster
// on a GPU; the kernels refuse tensors with more numbers than an int can count.
//
// Every kernel gathers: an item computes one number of the result and reads all numbers on which it depends. So no two
// items write to the same number, the kernels need no atomics, and the problem determines the order of every sum.

#include "handgrad/ops/conv2d/extents.hpp"

namespace handgrad::device {

/// y[n, k, p, q]: one item for each number. An item takes 2 taps operations and reads taps numbers of x and of w.
/// Neighbouring items read the same w and nearly the same x, which are in the caches.
template <class T> struct Conv2dForward {
    ConvExtents e;
    ImagesView<const T> x, w;
    VectorView<const T> b; ///< empty for no bias

    HANDGRAD_HOST_DEVICE T operator()(int item) const {
        const int q = item % e.columns.windows, p = item / e.columns.windows % e.rows.windows;
        const int image = item / e.columns.windows / e.rows.windows, k = image % e.K, n = image / e.K;
        return output(n, k, p, q);
    }
    HANDGRAD_HOST_DEVICE T output(int n, int k, int p, int q) const {
        const int first = k / e.group_out() * e.group_in(); // the group's first input channel
        T sum = b.size > 0 ? b.data[k] : T(0);
        for (int c = 0; c < e.group_in(); ++c) {
            for (int r = 0; r < e.rows.kernel; ++r) {
                const int i = e.rows.pixel(p, r);
                if (!e.rows.inside(i)) { continue; }
                const T* row = x.data + ((n * e.C + first + c) * e.rows.size + i) * e.columns.size;
                const T* taps = w.data + ((k * e.group_in() + c) * e.rows.kernel + r) * e.columns.kernel;
                for (int s = 0; s < e.columns.kernel; ++s) {
                    const int j = e.columns.pixel(q, s);
                    if (e.columns.inside(j)) { sum += taps[s] * row[j]; }
                }
            }
        }
        return sum;
    }
};

/// The gradient of a convolution's result, read from memory.
template <class T> struct StoredGradient {
    ImagesView<const T> dy; ///< (N, C_out, P, Q)
    HANDGRAD_HOST_DEVICE T operator()(const ConvExtents& e, int image, int p, int q) const {
        return dy.data[(image * e.rows.windows + p) * e.columns.windows + q];
    }
};

/// dx[n, c, i, j]: one item for each pixel. It finds the windows that cover the pixel.
/// @tparam Gradient function that maps (e, n K + k, p, q) to dz
template <class T, class Gradient> struct Conv2dBackwardInput {
    ConvExtents e;
    Gradient dz;
    ImagesView<const T> w;

    HANDGRAD_HOST_DEVICE T operator()(int item) const {
        const int j = item % e.columns.size, i = item / e.columns.size % e.rows.size;
        const int image = item / e.columns.size / e.rows.size, c = image % e.C, n = image / e.C;
        const int group = c / e.group_in(), in_group = c % e.group_in();
        T sum(0);
        for (int k = group * e.group_out(); k < (group + 1) * e.group_out(); ++k) {
            const T* taps = w.data + (k * e.group_in() + in_group) * e.rows.kernel * e.columns.kernel;
            for (int r = 0; r < e.rows.kernel; ++r) {
                const int p = e.rows.window(i, r);
                if (p < 0) { continue; }
                for (int s = 0; s < e.columns.kernel; ++s) {
                    const int q = e.columns.window(j, s);
                    if (q >= 0) { sum += taps[r * e.columns.kernel + s] * dz(e, n * e.K + k, p, q); }
                }
            }
        }
        return sum;
    }
};

/// One part of dw[k, c, r, s]: item = part * size of w + index of w.
template <class T> struct Conv2dBackwardWeightPart {
    ConvExtents e;
    BatchParts parts;
    ImagesView<const T> x, dy;

    HANDGRAD_HOST_DEVICE T operator()(int item) const {
        const int s = item % e.columns.kernel, r = item / e.columns.kernel % e.rows.kernel;
        const int rest = item / e.columns.kernel / e.rows.kernel, c = rest % e.group_in();
        const int k = rest / e.group_in() % e.K, part = rest / e.group_in() / e.K;
        const int channel = k / e.group_out() * e.group_in() + c;
        T sum(0);
        for (int n = parts.begin(part); n < parts.end(part); ++n) {
            for (int p = 0; p < e.rows.windows; ++p) {
                const int i = e.rows.pixel(p, r);
                if (!e.rows.inside(i)) { continue; }
                const T* row = x.data + ((n * e.C + channel) * e.rows.size + i) * e.columns.size;
                const T* dy_row = dy.data + ((n * e.K + k) * e.rows.windows + p) * e.columns.windows;
                for (int q = 0; q < e.columns.windows; ++q) {
                    const int j = e.columns.pixel(q, s);
                    if (e.columns.inside(j)) { sum += dy_row[q] * row[j]; }
                }
            }
        }
        return sum;
    }
};

/// One part of db[k]: item = part * K + k.
template <class T> struct Conv2dBackwardBiasPart {
    BatchParts parts;
    ImagesView<const T> dy;

    HANDGRAD_HOST_DEVICE T operator()(int item) const {
        const int K = static_cast<int>(dy.c), pixels = static_cast<int>(dy.h * dy.w);
        const int k = item % K, part = item / K;
        T sum(0);
        for (int n = parts.begin(part); n < parts.end(part); ++n) {
            for (int i = 0; i < pixels; ++i) { sum += dy.data[(n * K + k) * pixels + i]; }
        }
        return sum;
    }
};

/// The sum of the item's parts in order, added to `before` if that is not null.
template <class T> struct AddParts {
    const T* parts;
    int count, size;
    const T* before; ///< the numbers to add to, or null

    HANDGRAD_HOST_DEVICE T operator()(int item) const {
        T sum(0);
        for (int part = 0; part < count; ++part) { sum += parts[part * size + item]; }
        return before ? before[item] + sum : sum;
    }
};

/// sums (+)= the sum of `count` consecutive parts of sums.size numbers each.
template <class T> void add_parts(const T* parts, int count, VectorView<T> sums, Accumulate mode) {
    const T* before = mode == Accumulate::yes ? sums.data : nullptr;
    tabulate(sums.data, sums.size, static_cast<std::size_t>(count),
             AddParts<T>{parts, count, static_cast<int>(sums.size), before});
}

} // namespace handgrad::device
