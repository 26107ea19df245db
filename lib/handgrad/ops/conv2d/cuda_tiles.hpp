#pragma once
// Convolution and its gradients as matrix products, for device/cuda_tiles.hpp: functions that return each entry of the
// matrices, a number of x, w or dy. The matrix of im2col is never written to memory. z is the number of the group.
//
// For a tap outside the image, im2col has a zero where the formula has no product. The results are equal unless the
// other factor is infinite or NaN; so if a sum is NaN, the item of the plain kernel computes it again.

#include "handgrad/device/cuda_tiles.hpp"
#include "handgrad/ops/conv2d/device_items.hpp"

namespace handgrad::device::tiles {

/// Rows: output pixels (n, p, q); columns: the group's output channels; depth: taps (c, r, s).
template <class T> struct Forward {
    ConvExtents e;
    ImagesView<const T> x, w;
    VectorView<const T> bias; ///< empty for no bias
    ImagesView<T> y;

    HANDGRAD_HOST_DEVICE int rows() const { return e.N * e.rows.windows * e.columns.windows; }
    HANDGRAD_HOST_DEVICE int columns() const { return e.group_out(); }
    HANDGRAD_HOST_DEVICE int depth(int) const { return e.group_in() * e.rows.kernel * e.columns.kernel; }
    HANDGRAD_HOST_DEVICE T a(int group, int row, int tap) const {
        const int q = row % e.columns.windows, p = row / e.columns.windows % e.rows.windows;
        const int n = row / e.columns.windows / e.rows.windows;
        const int s = tap % e.columns.kernel, r = tap / e.columns.kernel % e.rows.kernel;
        const int c = group * e.group_in() + tap / e.columns.kernel / e.rows.kernel;
        const int i = e.rows.pixel(p, r), j = e.columns.pixel(q, s);
        if (!e.rows.inside(i) || !e.columns.inside(j)) { return T(0); }
        return x.data[((n * e.C + c) * e.rows.size + i) * e.columns.size + j];
    }
    HANDGRAD_HOST_DEVICE T b(int group, int tap, int column) const {
        return w.data[(group * e.group_out() + column) * depth(group) + tap];
    }
    HANDGRAD_HOST_DEVICE void store(int group, int row, int column, T sum) const {
        const int pixels = e.rows.windows * e.columns.windows, k = group * e.group_out() + column;
        const int item = (row / pixels * e.K + k) * pixels + row % pixels;
        const bool has_bias = bias.size > 0;
        y.data[item] = sum != sum ? Conv2dForward<T>{e, x, w, bias}(item) : has_bias ? bias.data[k] + sum : sum;
    }
};

/// Rows: input pixels (n, i, j); columns: the group's input channels; depth: (k, r, s).
template <class T> struct BackwardInput {
    ConvExtents e;
    ImagesView<const T> dy, w;
    ImagesView<T> dx;

    HANDGRAD_HOST_DEVICE int rows() const { return e.N * e.rows.size * e.columns.size; }
    HANDGRAD_HOST_DEVICE int columns() const { return e.group_in(); }
    HANDGRAD_HOST_DEVICE int depth(int) const { return e.group_out() * e.rows.kernel * e.columns.kernel; }
    HANDGRAD_HOST_DEVICE T a(int group, int row, int tap) const {
        const int j = row % e.columns.size, i = row / e.columns.size % e.rows.size;
        const int n = row / e.columns.size / e.rows.size;
        const int s = tap % e.columns.kernel, r = tap / e.columns.kernel % e.rows.kernel;
        const int k = group * e.group_out() + tap / e.columns.kernel / e.rows.kernel;
        const int p = e.rows.window(i, r), q = e.columns.window(j, s);
        return p < 0 || q < 0 ? T(0) : dy.data[((n * e.K + k) * e.rows.windows + p) * e.columns.windows + q];
    }
    HANDGRAD_HOST_DEVICE T b(int group, int tap, int column) const {
        const int taps = e.rows.kernel * e.columns.kernel, k = group * e.group_out() + tap / taps;
        return w.data[(k * e.group_in() + column) * taps + tap % taps];
    }
    HANDGRAD_HOST_DEVICE void store(int group, int row, int column, T sum) const {
        const int pixels = e.rows.size * e.columns.size, c = group * e.group_in() + column;
        const int item = (row / pixels * e.C + c) * pixels + row % pixels;
        dx.data[item] = sum != sum ? Conv2dBackwardInput<T, StoredGradient<T>>{e, {dy}, w}(item) : sum;
    }
};

/// Rows: taps (c, r, s); columns: the group's output channels; depth: (n, p, q) of a part of the batch. z = part times
/// groups + group.
template <class T> struct BackwardWeight {
    ConvExtents e;
    BatchParts batch;
    ImagesView<const T> x, dy;
    T* parts;

    HANDGRAD_HOST_DEVICE int rows() const { return e.group_in() * e.rows.kernel * e.columns.kernel; }
    HANDGRAD_HOST_DEVICE int columns() const { return e.group_out(); }
    HANDGRAD_HOST_DEVICE int depth(int z) const {
        const int part = z / e.groups;
        return (batch.end(part) - batch.begin(part)) * e.rows.windows * e.columns.windows;
    }
    HANDGRAD_HOST_DEVICE T a(int z, int tap, int l) const {
        const int s = tap % e.columns.kernel, r = tap / e.columns.kernel % e.rows.kernel;
        const int c = z % e.groups * e.group_in() + tap / e.columns.kernel / e.rows.kernel;
        const int q = l % e.columns.windows, p = l / e.columns.windows % e.rows.windows;
        const int n = batch.begin(z / e.groups) + l / e.columns.windows / e.rows.windows;
        const int i = e.rows.pixel(p, r), j = e.columns.pixel(q, s);
        if (!e.rows.inside(i) || !e.columns.inside(j)) { return T(0); }
        return x.data[((n * e.C + c) * e.rows.size + i) * e.columns.size + j];
    }
    HANDGRAD_HOST_DEVICE T b(int z, int l, int column) const {
        const int pixels = e.rows.windows * e.columns.windows, n = batch.begin(z / e.groups) + l / pixels;
        return dy.data[(n * e.K + z % e.groups * e.group_out() + column) * pixels + l % pixels];
    }
    HANDGRAD_HOST_DEVICE void store(int z, int tap, int column, T sum) const {
        const int k = z % e.groups * e.group_out() + column;
        const int item = (z / e.groups * e.K + k) * rows() + tap;
        parts[item] = sum != sum ? Conv2dBackwardWeightPart<T>{e, batch, x, dy}(item) : sum;
    }
};

} // namespace handgrad::device::tiles
