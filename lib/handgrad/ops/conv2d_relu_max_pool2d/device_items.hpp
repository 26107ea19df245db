#pragma once
// The work items of the fused operation's kernels. Formulas: conv2d_relu_max_pool2d.hpp.
//
// Here winners is (N, C_out, P/2, Q/2). dz, four times as large as dy, is never written: the items compute its entries
// from dy and winners.

#include "handgrad/ops/conv2d/device_items.hpp"

namespace handgrad::device {

/// y and the winner of one window: four convolutions, ReLU and the comparisons in registers. One item for each window.
template <class T> struct Conv2dReluMaxPool2dForward {
    Conv2dForward<T> conv;
    ImagesView<T> y;
    VectorView<T> winners;

    HANDGRAD_HOST_DEVICE void operator()(int item) const {
        const int columns = conv.e.columns.windows / 2, rows = conv.e.rows.windows / 2;
        const int q = item % columns, p = item / columns % rows;
        const int image = item / columns / rows, k = image % conv.e.K, n = image / conv.e.K;
        T best(0);
        int winner = 0;
        for (int place = 0; place < 4; ++place) {
            const T z = conv.output(n, k, 2 * p + place / 2, 2 * q + place % 2);
            const T h = z < T(0) ? T(0) : z;        // NaN and -0 pass
            if (place == 0 || h > best || h != h) { // a NaN always wins
                best = h;
                winner = place;
            }
        }
        y.data[item] = best;
        winners.data[item] = best <= T(0) ? T(4) : static_cast<T>(winner);
    }
};

/// dz[n, k, p, q], from dy and winners.
template <class T> struct PooledGradient {
    ImagesView<const T> dy;      ///< (N, C_out, P/2, Q/2)
    VectorView<const T> winners; ///< winners of the same windows
    HANDGRAD_HOST_DEVICE T operator()(const ConvExtents& e, int image, int p, int q) const {
        const int rows = e.rows.windows / 2, columns = e.columns.windows / 2;
        if (p / 2 >= rows || q / 2 >= columns) { return T(0); } // an odd last row or column is in no window
        const int window = (image * rows + p / 2) * columns + q / 2;
        return winners.data[window] == static_cast<T>(p % 2 * 2 + q % 2) ? dy.data[window] : T(0);
    }
};

/// 1 if a channel of an image contains NaN or infinity, else 0. One item for each channel.
template <class T> struct HasNonFinite {
    ImagesView<const T> x;

    HANDGRAD_HOST_DEVICE T operator()(int channel) const {
        const int pixels = static_cast<int>(x.h * x.w);
        T sum(0); // of zeros, or NaN
        for (int i = channel * pixels; i < (channel + 1) * pixels; ++i) { sum += x.data[i] - x.data[i]; }
        return sum == T(0) ? T(0) : T(1);
    }
};

/// One part of dw[k, c, r, s]: as Conv2dBackwardWeightPart, but the sum runs over the winners only, a quarter of the
/// pixels. All other products are 0 unless x is NaN or infinite; in a channel with such a number all products count.
template <class T> struct PooledBackwardWeightPart {
    ConvExtents e;
    BatchParts parts;
    ImagesView<const T> x, dy;
    VectorView<const T> winners;
    const T* non_finite; ///< (N, C), HasNonFinite

    HANDGRAD_HOST_DEVICE T operator()(int item) const {
        const int s = item % e.columns.kernel, r = item / e.columns.kernel % e.rows.kernel;
        const int rest = item / e.columns.kernel / e.rows.kernel, c = rest % e.group_in();
        const int k = rest / e.group_in() % e.K, part = rest / e.group_in() / e.K;
        const int channel = k / e.group_out() * e.group_in() + c;
        const int rows = e.rows.windows / 2, columns = e.columns.windows / 2;
        T sum(0);
        for (int n = parts.begin(part); n < parts.end(part); ++n) {
            const T* image = x.data + (n * e.C + channel) * e.rows.size * e.columns.size;
            if (non_finite[n * e.C + channel] != T(0)) {
                sum += of_all_pixels(image, n * e.K + k, r, s);
                continue;
            }
            for (int p = 0; p < rows; ++p) {
                for (int q = 0; q < columns; ++q) {
                    const int window = ((n * e.K + k) * rows + p) * columns + q;
                    const int winner = static_cast<int>(winners.data[window]);
                    if (winner == 4) { continue; }
                    const int i = e.rows.pixel(2 * p + winner / 2, r), j = e.columns.pixel(2 * q + winner % 2, s);
                    if (e.rows.inside(i) && e.columns.inside(j)) {
                        sum += dy.data[window] * image[i * e.columns.size + j];
                    }
                }
            }
        }
        return sum;
    }
    /// The sum over one image, with the products of all four places of each window. @param dz_image n K + k
    HANDGRAD_HOST_DEVICE T of_all_pixels(const T* image, int dz_image, int r, int s) const {
        const PooledGradient<T> dz{dy, winners};
        T sum(0);
        for (int p = 0; p < e.rows.windows; ++p) {
            const int i = e.rows.pixel(p, r);
            if (!e.rows.inside(i)) { continue; }
            for (int q = 0; q < e.columns.windows; ++q) {
                const int j = e.columns.pixel(q, s);
                if (e.columns.inside(j)) { sum += dz(e, dz_image, p, q) * image[i * e.columns.size + j]; }
            }
        }
        return sum;
    }
};

/// One part of db[k]: item = part * K + k.
template <class T> struct PooledBackwardBiasPart {
    BatchParts parts;
    ImagesView<const T> dy;
    VectorView<const T> winners;

    HANDGRAD_HOST_DEVICE T operator()(int item) const {
        const int K = static_cast<int>(dy.c), windows = static_cast<int>(dy.h * dy.w);
        const int k = item % K, part = item / K;
        T sum(0);
        for (int n = parts.begin(part); n < parts.end(part); ++n) {
            for (int i = 0; i < windows; ++i) {
                const int window = (n * K + k) * windows + i;
                if (winners.data[window] != T(4)) { sum += dy.data[window]; }
            }
        }
        return sum;
    }
};

} // namespace handgrad::device
