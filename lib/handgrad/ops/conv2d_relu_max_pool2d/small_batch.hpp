#pragma once
// conv2d_relu_max_pool2d for batches that would leave most lanes of a register idle, and for numbers that are not
// finite: the convolution as its own operation, then ReLU and pooling in one pass over its result.

#include <cmath>

#include "handgrad/ops/conv2d/cpu.hpp"
#include "handgrad/ops/conv2d_relu_max_pool2d/conv2d_relu_max_pool2d.hpp"

namespace handgrad::cpu::few {

/// The convolution's result, or its gradient: the calling thread's, kept from call to call.
template <class T> Tensor<T>& kept_images() {
    thread_local Tensor<T> images;
    return images;
}

/// Calls f(window, corner) for every window of z (N, K, P, Q): its number, and where its first pixel is.
template <class F> void for_each_window(const Shape& z, const F& f) {
    std::size_t window = 0;
    for (std::size_t image = 0; image < z[0] * z[1]; ++image) {
        for (std::size_t p = 0; p < z[2] / 2; ++p) {
            for (std::size_t q = 0; q < z[3] / 2; ++q) { f(window++, (image * z[2] + 2 * p) * z[3] + 2 * q); }
        }
    }
}

/// @param y (N, K, P/2, Q/2) @param at (window) to its place in winners
template <class T, class At> void forward(const Tensor<T>& x, const Tensor<T>& w, const Tensor<T>& b,
                                          const Conv2dOptions& options, Tensor<T>& y, Tensor<T>& winners,
                                          const At& at) {
    Tensor<T>& z = kept_images<T>();
    conv2d_forward(x, w, b, options, z);
    const std::size_t columns = z.shape()[3], places[] = {0, 1, columns, columns + 1};
    for_each_window(z.shape(), [&](std::size_t window, std::size_t corner) {
        T best(0), winner(0);
        for (std::size_t t = 0; t < 4; ++t) {
            const T sum = z.data()[corner + places[t]], v = sum < 0 ? T(0) : sum; // NaN and -0 pass
            if (t == 0 || v > best || std::isnan(v)) {                            // a NaN always wins
                best = v;
                winner = static_cast<T>(t);
            }
        }
        y.data()[window] = best;
        winners.data()[at(window)] = best <= 0 ? T(4) : winner;
    });
}

/// dz (N, K, P, Q) of dy (N, K, P/2, Q/2): every dy goes to the place that won.
/// @param at (window) to its place in winners
template <class T, class At>
const Tensor<T>& spread(const Tensor<T>& dy, const Tensor<T>& winners, const Shape& shape_of_z, const At& at) {
    Tensor<T>& dz = kept_images<T>();
    resize(dz, shape_of_z);
    dz.fill(T(0));
    const std::size_t columns = shape_of_z[3], places[] = {0, 1, columns, columns + 1};
    for_each_window(shape_of_z, [&](std::size_t window, std::size_t corner) {
        const auto winner = static_cast<std::size_t>(winners.data()[at(window)]);
        if (winner < 4) { dz.data()[corner + places[winner]] = dy.data()[window]; }
    });
    return dz;
}

} // namespace handgrad::cpu::few
