#pragma once
// conv2d_relu_max_pool2d for batches that would leave most lanes of a register idle, and for numbers that are not
// finite: first the convolution, then ReLU and pooling in one pass over its result.

#include <cmath>

#include "handgrad/ops/conv2d/fast/lane_images.hpp"
#include "handgrad/ops/conv2d_relu_max_pool2d/conv2d_relu_max_pool2d.hpp"
#include "handgrad/tensor/scratch.hpp"

namespace handgrad::cpu {

/// Whether more than half of a register's lanes would be idle.
template <class T> bool leaves_lanes_idle(std::size_t images) { return 2 * images < lanes<T>; }

/// The order of winners in memory: that of y for a small batch, else (register of images, channel, window, lane).
template <class T> class WinnerIndex {
public:
    /// @param images N @param windows K (P/2) (Q/2), the number of windows of an image
    WinnerIndex(std::size_t images, std::size_t windows)
        : in_order_of_y_(leaves_lanes_idle<T>(images)), windows_(windows) {}
    /// The index in winners of the window with this index in y.
    std::size_t operator()(std::size_t window) const {
        if (in_order_of_y_) { return window; }
        const std::size_t image = window / windows_;
        return (image / lanes<T> * windows_ + window % windows_) * lanes<T> + image % lanes<T>;
    }

private:
    bool in_order_of_y_;
    std::size_t windows_;
};

namespace unfused {

/// Scratch memory for the convolution's result, or its gradient, (N, C_out, P, Q).
template <class T> ImagesView<T> convolution_result(std::size_t n, std::size_t k, Size2d z) {
    return {scratch<T, struct ConvolutionResult>(n * k * z.h * z.w), n, k, z.h, z.w};
}

/// Calls f(window, first) for every window of z (N, C_out, P, Q): its index in y, and the index of its first pixel in
/// z.
template <class T, class F> void for_each_window(ImagesView<T> z, const F& f) {
    std::size_t window = 0;
    for (std::size_t image = 0; image < z.n * z.c; ++image) {
        for (std::size_t p = 0; p < z.h / 2; ++p) {
            for (std::size_t q = 0; q < z.w / 2; ++q) { f(window++, (image * z.h + 2 * p) * z.w + 2 * q); }
        }
    }
}

/// y, and the winners.
template <class T> void forward(ImagesView<const T> x, ImagesView<const T> w, VectorView<const T> b,
                                const Conv2dOptions& options, Size2d z_size, ImagesView<T> y, VectorView<T> winners) {
    const ImagesView<T> z = convolution_result<T>(y.n, y.c, z_size);
    Conv2dKernels<OnCpu>::forward(x, w, b, options, z);
    const WinnerIndex<T> index(y.n, y.c * y.h * y.w);
    const std::size_t places[] = {0, 1, z.w, z.w + 1};
    std::fill_n(winners.data, winners.size, T(4)); // also in lanes without an image
    for_each_window(z, [&](std::size_t window, std::size_t first) {
        T best(0), winner(0);
        for (std::size_t t = 0; t < 4; ++t) {
            const T sum = z.data[first + places[t]], v = sum < 0 ? T(0) : sum; // NaN and -0 pass
            if (t == 0 || v > best || std::isnan(v)) {                         // a NaN always wins
                best = v;
                winner = static_cast<T>(t);
            }
        }
        y.data[window] = best;
        winners(index(window)) = best <= 0 ? T(4) : winner;
    });
}

/// dz (N, C_out, P, Q) of dy (N, C_out, P/2, Q/2): every dy at its winner.
template <class T> ImagesView<const T> unpooled(ImagesView<const T> dy, VectorView<const T> winners, Size2d z_size) {
    const ImagesView<T> dz = convolution_result<T>(dy.n, dy.c, z_size);
    std::fill_n(dz.data, dz.size(), T(0));
    const WinnerIndex<T> index(dy.n, dy.c * dy.h * dy.w);
    const std::size_t places[] = {0, 1, dz.w, dz.w + 1};
    for_each_window(dz, [&](std::size_t window, std::size_t first) {
        const auto winner = static_cast<std::size_t>(winners(index(window)));
        if (winner < 4) { dz.data[first + places[winner]] = dy.data[window]; }
    });
    return {dz.data, dz.n, dz.c, dz.h, dz.w};
}

} // namespace unfused
} // namespace handgrad::cpu
