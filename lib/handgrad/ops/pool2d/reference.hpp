#pragma once
// Both poolings, in plain loops: image, channel, output row and column, row and column of the window.
// Formulas and shapes: pool2d.hpp; derivation: pool2d.md.

#include <algorithm>

#include "handgrad/ops/pool2d/pool2d.hpp"
#include "handgrad/tensor/scalar.hpp"

namespace handgrad {

template <> template <class T>
void Pool2dKernels<OnReference>::max_forward(ImagesView<const T> x, const MaxPool2dOptions& options, ImagesView<T> y,
                                             ImagesView<std::int32_t> indices) {
    using reference::is_greater;
    using reference::value_of;
    for (std::size_t n = 0; n < y.n; ++n) {
        for (std::size_t c = 0; c < y.c; ++c) {
            for (std::size_t p = 0; p < y.h; ++p) {
                for (std::size_t q = 0; q < y.w; ++q) {
                    T best{};
                    std::int32_t winner = -1; // none yet
                    for (std::size_t r = 0; r < options.kernel_size.h; ++r) {
                        for (std::size_t s = 0; s < options.kernel_size.w; ++s) {
                            // A negative row or column wraps around to a huge number, so >= detects both sides.
                            const std::size_t i = options.stride.h * p + options.dilation.h * r - options.padding.h;
                            const std::size_t j = options.stride.w * q + options.dilation.w * s - options.padding.w;
                            if (i >= x.h || j >= x.w) { continue; }
                            const T v = x(n, c, i, j);
                            const bool is_nan = value_of(v) != value_of(v);
                            if (winner < 0 || is_greater(v, best) || is_nan) {
                                best = v;
                                winner = static_cast<std::int32_t>(i * x.w + j);
                            }
                        }
                    }
                    y(n, c, p, q) = best;
                    indices(n, c, p, q) = winner;
                }
            }
        }
    }
}

template <> template <class T> void Pool2dKernels<OnReference>::max_backward(ImagesView<const T> dy,
                                                                             ImagesView<const std::int32_t> indices,
                                                                             ImagesView<T> dx) {
    std::fill_n(dx.data, dx.size(), T(0));
    for (std::size_t n = 0; n < dy.n; ++n) {
        for (std::size_t c = 0; c < dy.c; ++c) {
            for (std::size_t p = 0; p < dy.h; ++p) {
                for (std::size_t q = 0; q < dy.w; ++q) {
                    const auto m = static_cast<std::size_t>(indices(n, c, p, q));
                    dx(n, c, m / dx.w, m % dx.w) += dy(n, c, p, q);
                }
            }
        }
    }
}

template <> inline std::optional<std::int32_t>
Pool2dKernels<OnReference>::bad_index(VectorView<const std::int32_t> indices, std::size_t pixels) {
    std::optional<std::int32_t> largest;
    for (std::size_t i = 0; i < indices.size; ++i) {
        const auto index = static_cast<std::uint32_t>(indices(i)); // a negative index becomes a large number
        if (index >= pixels && (!largest || index > static_cast<std::uint32_t>(*largest))) { largest = indices(i); }
    }
    return largest;
}

namespace reference::detail {

/// Calls f(n, c, p, q) for every window.
template <class T, class F> void for_each_window(ImagesView<T> y, const F& f) {
    for (std::size_t n = 0; n < y.n; ++n) {
        for (std::size_t c = 0; c < y.c; ++c) {
            for (std::size_t p = 0; p < y.h; ++p) {
                for (std::size_t q = 0; q < y.w; ++q) { f(n, c, p, q); }
            }
        }
    }
}

/// Calls f(i, j) for every pixel of x in window (p, q). Returns A, the divisor of the average.
template <class T, class F>
std::size_t for_each_pixel(ImagesView<T> x, const AvgPool2dOptions& options, std::size_t p, std::size_t q, const F& f) {
    const Size2d padding = options.padding;
    std::size_t inside = 0, padded = 0;
    for (std::size_t r = 0; r < options.kernel_size.h; ++r) {
        for (std::size_t s = 0; s < options.kernel_size.w; ++s) {
            // (0, 0) is the corner of the padded image.
            const std::size_t i = options.stride.h * p + r, j = options.stride.w * q + s;
            if (i >= x.h + 2 * padding.h || j >= x.w + 2 * padding.w) { continue; }
            ++padded;
            // A negative row or column wraps around to a huge number, so >= detects both sides.
            if (i - padding.h >= x.h || j - padding.w >= x.w) { continue; }
            ++inside;
            f(i - padding.h, j - padding.w);
        }
    }
    return options.count_include_pad ? padded : inside;
}

} // namespace reference::detail

template <> template <class T>
void Pool2dKernels<OnReference>::avg_forward(ImagesView<const T> x, const AvgPool2dOptions& options, ImagesView<T> y) {
    reference::detail::for_each_window(y, [&](auto n, auto c, auto p, auto q) {
        T sum(0);
        const std::size_t area =
            reference::detail::for_each_pixel(x, options, p, q, [&](auto i, auto j) { sum += x(n, c, i, j); });
        y(n, c, p, q) = sum / static_cast<T>(area);
    });
}

template <> template <class T> void
Pool2dKernels<OnReference>::avg_backward(ImagesView<const T> dy, const AvgPool2dOptions& options, ImagesView<T> dx) {
    std::fill_n(dx.data, dx.size(), T(0));
    reference::detail::for_each_window(dy, [&](auto n, auto c, auto p, auto q) {
        const std::size_t area = reference::detail::for_each_pixel(dx, options, p, q, [](auto, auto) {});
        const T share = dy(n, c, p, q) / static_cast<T>(area);
        reference::detail::for_each_pixel(dx, options, p, q, [&](auto i, auto j) { dx(n, c, i, j) += share; });
    });
}

HANDGRAD_REFERENCE_KERNEL(Pool2dKernels<OnReference>::max_forward)
HANDGRAD_REFERENCE_KERNEL(Pool2dKernels<OnReference>::max_backward)
HANDGRAD_REFERENCE_KERNEL(Pool2dKernels<OnReference>::avg_forward)
HANDGRAD_REFERENCE_KERNEL(Pool2dKernels<OnReference>::avg_backward)

} // namespace handgrad
