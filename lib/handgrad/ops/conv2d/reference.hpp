#pragma once
// conv2d, in seven plain loops: image, output channel, output row and column, input channel, kernel row and column.
// Formulas and shapes: conv2d.hpp; derivation: conv2d.md.

#include <algorithm>
#include <vector>

#include "handgrad/ops/conv2d/conv2d.hpp"

namespace handgrad {

namespace reference::detail {

/// Calls f(n, k, p, q, c, r, s, ci, i, j) for every product of the convolution's sum: y(n, k, p, q), w(k, c, r, s) and
/// x(n, ci, i, j), where ci is the number of c among all channels. Pixels outside x are left out.
template <class X, class W, class Y, class F>
void for_each_product(ImagesView<X> x, ImagesView<W> w, ImagesView<Y> y, const Conv2dOptions& options, const F& f) {
    const std::size_t kernels_per_group = w.n / options.groups;
    for (std::size_t n = 0; n < y.n; ++n) {
        for (std::size_t k = 0; k < y.c; ++k) {
            const std::size_t first = k / kernels_per_group * w.c; // first input channel of the group
            for (std::size_t p = 0; p < y.h; ++p) {
                for (std::size_t q = 0; q < y.w; ++q) {
                    for (std::size_t c = 0; c < w.c; ++c) {
                        for (std::size_t r = 0; r < w.h; ++r) {
                            for (std::size_t s = 0; s < w.w; ++s) {
                                // A negative row or column wraps around to a huge number, so >= detects both sides.
                                const std::size_t i = options.stride.h * p + options.dilation.h * r - options.padding.h;
                                const std::size_t j = options.stride.w * q + options.dilation.w * s - options.padding.w;
                                if (i >= x.h || j >= x.w) { continue; }
                                f(n, k, p, q, c, r, s, first + c, i, j);
                            }
                        }
                    }
                }
            }
        }
    }
}

} // namespace reference::detail

template <> template <class T> void Conv2dKernels<OnReference>::forward(ImagesView<const T> x, ImagesView<const T> w,
                                                                        VectorView<const T> b,
                                                                        const Conv2dOptions& options, ImagesView<T> y) {
    const std::size_t plane = y.h * y.w;
    for (std::size_t i = 0; i < y.size(); ++i) { y.data[i] = b.size == 0 ? T(0) : b(i / plane % y.c); }
    reference::detail::for_each_product(x, w, y, options,
                                        [&](auto n, auto k, auto p, auto q, auto c, auto r, auto s, auto ci, auto i,
                                            auto j) { y(n, k, p, q) += w(k, c, r, s) * x(n, ci, i, j); });
}

template <> template <class T>
void Conv2dKernels<OnReference>::backward_input(ImagesView<const T> dy, ImagesView<const T> w,
                                                const Conv2dOptions& options, ImagesView<T> dx) {
    std::fill_n(dx.data, dx.size(), T(0));
    reference::detail::for_each_product(dx, w, dy, options,
                                        [&](auto n, auto k, auto p, auto q, auto c, auto r, auto s, auto ci, auto i,
                                            auto j) { dx(n, ci, i, j) += dy(n, k, p, q) * w(k, c, r, s); });
}

template <> template <class T>
void Conv2dKernels<OnReference>::backward_weight(ImagesView<const T> x, ImagesView<const T> dy,
                                                 const Conv2dOptions& options, ImagesView<T> dw, Accumulate mode) {
    std::vector<T> sums(dw.size(), T(0));
    const ImagesView<T> sum{sums.data(), dw.n, dw.c, dw.h, dw.w};
    reference::detail::for_each_product(x, sum, dy, options,
                                        [&](auto n, auto k, auto p, auto q, auto c, auto r, auto s, auto ci, auto i,
                                            auto j) { sum(k, c, r, s) += dy(n, k, p, q) * x(n, ci, i, j); });
    for (std::size_t i = 0; i < dw.size(); ++i) {
        dw.data[i] = mode == Accumulate::yes ? dw.data[i] + sums[i] : sums[i];
    }
}

template <> template <class T>
void Conv2dKernels<OnReference>::backward_bias(ImagesView<const T> dy, VectorView<T> db, Accumulate mode) {
    for (std::size_t k = 0; k < dy.c; ++k) {
        T sum(0);
        for (std::size_t n = 0; n < dy.n; ++n) {
            for (std::size_t p = 0; p < dy.h; ++p) {
                for (std::size_t q = 0; q < dy.w; ++q) { sum += dy(n, k, p, q); }
            }
        }
        db(k) = mode == Accumulate::yes ? db(k) + sum : sum;
    }
}

HANDGRAD_REFERENCE_KERNEL(Conv2dKernels<OnReference>::forward)
HANDGRAD_REFERENCE_KERNEL(Conv2dKernels<OnReference>::backward_input)
HANDGRAD_REFERENCE_KERNEL(Conv2dKernels<OnReference>::backward_weight)
HANDGRAD_REFERENCE_KERNEL(Conv2dKernels<OnReference>::backward_bias)

} // namespace handgrad
