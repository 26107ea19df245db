#include "handgrad/ops/pool2d/cpu_avg.hpp"

#include "handgrad/ops/pool2d/cpu_windows.hpp"

namespace handgrad::cpu {
namespace {

/// How an image of H x W is averaged to P x Q.
struct Geometry {
    const AvgPool2dOptions& options;
    std::size_t height, width, rows, columns;

    /// Calls f(window's number, its rows, its columns, A) for every window.
    template <class F> void for_each_window(const F& f) const {
        const auto& [kernel, stride, padding, ceil_mode, count_include_pad] = options;
        static_cast<void>(ceil_mode); // it is in rows and columns
        for (std::size_t p = 0; p < rows; ++p) {
            const Places down = places(p, kernel.h, stride.h, padding.h, 1, height);
            const std::size_t padded_rows = std::min(kernel.h, height + 2 * padding.h - p * stride.h);
            for (std::size_t q = 0; q < columns; ++q) {
                const Places across = places(q, kernel.w, stride.w, padding.w, 1, width);
                const std::size_t padded_columns = std::min(kernel.w, width + 2 * padding.w - q * stride.w);
                const std::size_t area = count_include_pad ? padded_rows * padded_columns
                                                           : (down.end - down.first) * (across.end - across.first);
                f(p * columns + q, down, across, area);
            }
        }
    }
};

/// One channel, whatever the options.
template <class T> void average_any(const T* x, const Geometry& geometry, T* y) {
    geometry.for_each_window([&](std::size_t window, Places down, Places across, std::size_t area) {
        T sum(0);
        for (std::size_t i = down.first; i < down.end; ++i) {
            for (std::size_t j = across.first; j < across.end; ++j) { sum += x[i * geometry.width + j]; }
        }
        y[window] = sum / static_cast<T>(area);
    });
}

/// Adds each window's share to its pixels.
template <class T> void share_any(const T* dy, const Geometry& geometry, T* dx) {
    geometry.for_each_window([&](std::size_t window, Places down, Places across, std::size_t area) {
        const T share = dy[window] / static_cast<T>(area);
        for (std::size_t i = down.first; i < down.end; ++i) {
            for (std::size_t j = across.first; j < across.end; ++j) { dx[i * geometry.width + j] += share; }
        }
    });
}

/// One channel, in blocks of 2 x 2.
template <class T> void average_two_by_two(const T* x, std::size_t width, std::size_t rows, std::size_t columns, T* y) {
    for (std::size_t p = 0; p < rows; ++p, y += columns) {
        const T *upper = x + 2 * p * width, *lower = upper + width;
        for (std::size_t q = 0; q < columns; ++q) {
            y[q] = (((upper[2 * q] + upper[2 * q + 1]) + lower[2 * q]) + lower[2 * q + 1]) / T(4);
        }
    }
}

/// Gives each block of 2 x 2 its share; what no block covers keeps its value.
template <class T> void share_two_by_two(const T* dy, std::size_t width, std::size_t rows, std::size_t columns, T* dx) {
    for (std::size_t p = 0; p < rows; ++p, dy += columns) {
        T *upper = dx + 2 * p * width, *lower = upper + width;
        for (std::size_t q = 0; q < columns; ++q) {
            upper[2 * q] = upper[2 * q + 1] = lower[2 * q] = lower[2 * q + 1] = dy[q] / T(4);
        }
    }
}

} // namespace

template <class T> void avg_pool2d_forward(const Tensor<T>& x, const AvgPool2dOptions& options, Tensor<T>& y) {
    resize(y, check_avg_pool2d_forward(x, options, y));
    const Geometry geometry{options, x.shape(2), x.shape(3), y.shape(2), y.shape(3)};
    const bool two_by_two =
        is_two_by_two(options) && 2 * geometry.rows <= geometry.height && 2 * geometry.columns <= geometry.width;
    for_each_plane(x.shape(), [&](std::size_t plane) {
        const T* from = x.data() + plane * geometry.height * geometry.width;
        T* to = y.data() + plane * geometry.rows * geometry.columns;
        if (two_by_two) {
            average_two_by_two(from, geometry.width, geometry.rows, geometry.columns, to);
        } else {
            average_any(from, geometry, to);
        }
    });
}

template <class T>
void avg_pool2d_backward(const Tensor<T>& dy, const Shape& shape_of_x, const AvgPool2dOptions& options, Tensor<T>& dx) {
    resize(dx, check_avg_pool2d_backward(dy, shape_of_x, options, dx));
    const Geometry geometry{options, shape_of_x[2], shape_of_x[3], dy.shape(2), dy.shape(3)};
    const std::size_t pixels = geometry.height * geometry.width;
    const bool two_by_two =
        is_two_by_two(options) && 2 * geometry.rows <= geometry.height && 2 * geometry.columns <= geometry.width;
    for_each_plane(shape_of_x, [&](std::size_t plane) {
        const T* from = dy.data() + plane * geometry.rows * geometry.columns;
        T* to = dx.data() + plane * pixels;
        std::fill(to, to + pixels, T(0));
        if (two_by_two) {
            share_two_by_two(from, geometry.width, geometry.rows, geometry.columns, to);
        } else {
            share_any(from, geometry, to);
        }
    });
}

template <class T> Tensor<T> avg_pool2d_forward(const Tensor<T>& x, const AvgPool2dOptions& options) {
    Tensor<T> y;
    avg_pool2d_forward(x, options, y);
    return y;
}

template <class T>
Tensor<T> avg_pool2d_backward(const Tensor<T>& dy, const Shape& shape_of_x, const AvgPool2dOptions& options) {
    Tensor<T> dx;
    avg_pool2d_backward(dy, shape_of_x, options, dx);
    return dx;
}

#define HANDGRAD_INSTANTIATE(T)                                                                                        \
    template void avg_pool2d_forward(const Tensor<T>&, const AvgPool2dOptions&, Tensor<T>&);                           \
    template void avg_pool2d_backward(const Tensor<T>&, const Shape&, const AvgPool2dOptions&, Tensor<T>&);            \
    template Tensor<T> avg_pool2d_forward(const Tensor<T>&, const AvgPool2dOptions&);                                  \
    template Tensor<T> avg_pool2d_backward(const Tensor<T>&, const Shape&, const AvgPool2dOptions&);
HANDGRAD_INSTANTIATE(float)
HANDGRAD_INSTANTIATE(double)

} // namespace handgrad::cpu
