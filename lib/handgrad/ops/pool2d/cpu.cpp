// Both poolings, fast: several rows of 2 x 2 windows at once in SIMD registers; channels on several threads.
// Formulas: pool2d.hpp.

#include <algorithm>

#include "handgrad/ops/pool2d/pool2d.hpp"
#include "handgrad/tensor/parallel_for.hpp"

namespace handgrad {

namespace {

/// The pixels of a window along one direction: first, first + dilation, ..., all of them less than end.
struct Places {
    std::size_t first, end;
};

/// The pixels of window p. There is at least one: the contract refuses windows without a pixel.
Places places(std::size_t p, std::size_t kernel, std::size_t stride, std::size_t padding, std::size_t dilation,
              std::size_t size) {
    const std::size_t begin = p * stride;
    const std::size_t above = std::max(begin, padding) - begin; // number of rows of the window above the image
    return {begin + (above + dilation - 1) / dilation * dilation - padding,
            std::min(begin + dilation * (kernel - 1) + 1, size + padding) - padding};
}

/// Whether windows are blocks of 2 x 2 pixels, side by side.
bool is_two_by_two(const MaxPool2dOptions& o) {
    return o.kernel_size == Size2d(2) && o.stride == Size2d(2) && o.padding == Size2d(0) && o.dilation == Size2d(1);
}
bool is_two_by_two(const AvgPool2dOptions& o) {
    return o.kernel_size == Size2d(2) && o.stride == Size2d(2) && o.padding == Size2d(0);
}

/// Number of pixels in a chunk: smaller than in an entrywise kernel, because each pixel takes more operations.
constexpr std::size_t pool_grain = 65536;

/// Calls f(plane) for every channel of every image, on several threads.
template <class T, class F> void for_each_plane(ImagesView<T> x, const F& f) {
    const Chunks chunks(x.n * x.c, std::max<std::size_t>(pool_grain / std::max<std::size_t>(x.h * x.w, 1), 1));
    parallel_for(chunks.count, [&](std::size_t i) {
        for (std::size_t plane = chunks.begin(i); plane < chunks.begin(i) + chunks.length(i); ++plane) { f(plane); }
    });
}

// ---- Max-pooling ----

/// Number of windows that max_two_by_two compares at a time.
constexpr std::size_t two_by_two_block = 1024;

/// A pixel and its number in the channel.
template <class T> struct Candidate {
    T value;
    std::int32_t index;
};

/// The second one if it is greater or NaN. No branch, so that loops of it run in SIMD registers.
template <class T> Candidate<T> winner(Candidate<T> a, Candidate<T> b) {
    const bool second = b.value > a.value || b.value != b.value;
    return {second ? b.value : a.value, second ? b.index : a.index};
}

/// One channel, for any options: one row of windows at a time, and all windows of the row for one place after another.
template <class T> void max_any(const T* x, std::size_t height, std::size_t width, const MaxPool2dOptions& options,
                                std::size_t rows, std::size_t columns, T* y, std::int32_t* indices) {
    const Size2d kernel = options.kernel_size, stride = options.stride, padding = options.padding;
    for (std::size_t p = 0; p < rows; ++p, y += columns, indices += columns) {
        const Places down = places(p, kernel.h, stride.h, padding.h, options.dilation.h, height);
        for (std::size_t q = 0; q < columns; ++q) {
            const std::size_t first = places(q, kernel.w, stride.w, padding.w, options.dilation.w, width).first;
            y[q] = x[down.first * width + first];
            indices[q] = static_cast<std::int32_t>(down.first * width + first);
        }
        for (std::size_t i = down.first; i < down.end; i += options.dilation.h) {
            for (std::size_t s = 0; s < kernel.w; ++s) {
                // The windows q whose place s is a pixel: begin <= q < end; pixel j = stride q + offset - padding.
                const std::size_t offset = options.dilation.w * s;
                const std::size_t begin = (std::max(padding.w, offset) - offset + stride.w - 1) / stride.w;
                const std::size_t end =
                    std::min(columns, (std::max(width + padding.w, offset) - offset + stride.w - 1) / stride.w);
                for (std::size_t q = begin; q < end; ++q) {
                    const std::size_t place = i * width + stride.w * q + offset - padding.w;
                    const Candidate<T> best =
                        winner<T>({y[q], indices[q]}, {x[place], static_cast<std::int32_t>(place)});
                    y[q] = best.value;
                    indices[q] = best.index;
                }
            }
        }
    }
}

/// Blocks of 2 x 2 pixels in images of an even width. If their height is even, too, all channels below one another are
/// one tall image. This computes `rows` rows of its windows; the first of them is row `first` of the windows, counted
/// from the top of a channel.
///
/// The loop over t computes blocks at every row of pixels, not only at every second one; the others are discarded.
/// So the loop is long even for narrow images, and fills the SIMD registers. It compares the winner of the upper two
/// pixels with the winner of the lower two: with ties and NaN, too, the result is that of the four in order.
template <class T> void max_two_by_two(const T* x, std::size_t columns, std::size_t rows, std::size_t first,
                                       std::size_t rows_of_channel, T* y, std::int32_t* indices) {
    T values[two_by_two_block];
    std::int32_t places[two_by_two_block];
    const std::size_t width = 2 * columns, rows_at_once = (two_by_two_block / columns + 1) / 2;
    for (std::size_t begin = 0; begin < rows; begin += rows_at_once) {
        const std::size_t count = std::min(rows_at_once, rows - begin);
        const T *upper = x + begin * 2 * width, *lower = upper + width;
        for (std::size_t t = 0; t < (2 * count - 1) * columns; ++t) {
            const auto place = static_cast<std::int32_t>(2 * t), below = static_cast<std::int32_t>(2 * t + width);
            const auto best = winner(winner<T>({upper[2 * t], place}, {upper[2 * t + 1], place + 1}),
                                     winner<T>({lower[2 * t], below}, {lower[2 * t + 1], below + 1}));
            values[t] = best.value;
            places[t] = best.index;
        }
        for (std::size_t row = begin; row < begin + count; ++row) {
            const std::size_t from = (row - begin) * width, to = row * columns;
            const auto shift = static_cast<std::int32_t>((first + row) % rows_of_channel * 2 * width) -
                               static_cast<std::int32_t>(2 * from);
            for (std::size_t q = 0; q < columns; ++q) {
                y[to + q] = values[from + q];
                indices[to + q] = places[from + q] + shift;
            }
        }
    }
}

// ---- Average-pooling ----

/// The windows of average-pooling on a channel of height x width pixels.
struct Averaging {
    const AvgPool2dOptions& options;
    std::size_t height, width, rows, columns;

    /// Calls f(number of the window, its rows, its columns, A) for every window.
    template <class F> void for_each_window(const F& f) const {
        const auto& [kernel, stride, padding, ceil_mode, count_include_pad] = options;
        static_cast<void>(ceil_mode); // rows and columns are those of its windows
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

/// One channel, for any options.
template <class T> void average_any(const T* x, const Averaging& averaging, T* y) {
    averaging.for_each_window([&](std::size_t window, Places down, Places across, std::size_t area) {
        T sum(0);
        for (std::size_t i = down.first; i < down.end; ++i) {
            for (std::size_t j = across.first; j < across.end; ++j) { sum += x[i * averaging.width + j]; }
        }
        y[window] = sum / static_cast<T>(area);
    });
}

/// Number of channels that average_whole sums at a time.
constexpr std::size_t whole_channels = 8;

/// The means of whole channels of `pixels` pixels. An addition waits for the one before it, but not for those of another
/// channel, so several sums take little longer than one. Each has the order of average_any.
template <class T> void average_whole(const T* x, std::size_t pixels, T* y) {
    T sums[whole_channels] = {};
    for (std::size_t i = 0; i < pixels; ++i) {
        for (std::size_t c = 0; c < whole_channels; ++c) { sums[c] += x[c * pixels + i]; }
    }
    for (std::size_t c = 0; c < whole_channels; ++c) { y[c] = sums[c] / static_cast<T>(pixels); }
}

/// Adds dy / A of each window to its pixels.
template <class T> void share_any(const T* dy, const Averaging& averaging, T* dx) {
    averaging.for_each_window([&](std::size_t window, Places down, Places across, std::size_t area) {
        const T share = dy[window] / static_cast<T>(area);
        for (std::size_t i = down.first; i < down.end; ++i) {
            for (std::size_t j = across.first; j < across.end; ++j) { dx[i * averaging.width + j] += share; }
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

/// Overwrites the pixels of each 2 x 2 block with dy / A. Pixels outside all blocks keep their values.
template <class T> void share_two_by_two(const T* dy, std::size_t width, std::size_t rows, std::size_t columns, T* dx) {
    for (std::size_t p = 0; p < rows; ++p, dy += columns) {
        T *upper = dx + 2 * p * width, *lower = upper + width;
        for (std::size_t q = 0; q < columns; ++q) {
            upper[2 * q] = upper[2 * q + 1] = lower[2 * q] = lower[2 * q + 1] = dy[q] / T(4);
        }
    }
}

} // namespace

template <> template <class T> void Pool2dKernels<OnCpu>::max_forward(ImagesView<const T> x,
                                                                      const MaxPool2dOptions& options, ImagesView<T> y,
                                                                      ImagesView<std::int32_t> indices) {
    if (is_two_by_two(options) && x.h == 2 * y.h && x.w == 2 * y.w && y.w <= two_by_two_block) {
        const Chunks chunks(y.n * y.c * y.h, std::max<std::size_t>(pool_grain / (2 * x.w), 1));
        parallel_for(chunks.count, [&](std::size_t i) {
            const std::size_t row = chunks.begin(i);
            max_two_by_two(x.data + row * 2 * x.w, y.w, chunks.length(i), row, y.h, y.data + row * y.w,
                           indices.data + row * y.w);
        });
        return;
    }
    for_each_plane(x, [&](std::size_t plane) {
        const std::size_t first = plane * y.h * y.w;
        max_any(x.data + plane * x.h * x.w, x.h, x.w, options, y.h, y.w, y.data + first, indices.data + first);
    });
}

template <> template <class T> void
Pool2dKernels<OnCpu>::max_backward(ImagesView<const T> dy, ImagesView<const std::int32_t> indices, ImagesView<T> dx) {
    const std::size_t pixels = dx.h * dx.w, windows = dy.h * dy.w;
    for_each_plane(dx, [&](std::size_t plane) {
        const T* from = dy.data + plane * windows;
        const std::int32_t* winners = indices.data + plane * windows;
        T* to = dx.data + plane * pixels;
        std::fill(to, to + pixels, T(0));
        for (std::size_t i = 0; i < windows; ++i) { to[winners[i]] += from[i]; }
    });
}

template <> std::optional<std::int32_t> Pool2dKernels<OnCpu>::bad_index(VectorView<const std::int32_t> indices,
                                                                        std::size_t pixels) {
    // The maximum of unsigned numbers: a negative index becomes a large one, and the loop runs in SIMD registers.
    std::uint32_t largest = 0;
    for (std::size_t i = 0; i < indices.size; ++i) {
        largest = std::max(largest, static_cast<std::uint32_t>(indices(i)));
    }
    if (indices.size == 0 || largest < pixels) { return {}; }
    return static_cast<std::int32_t>(largest);
}

template <> template <class T>
void Pool2dKernels<OnCpu>::avg_forward(ImagesView<const T> x, const AvgPool2dOptions& options, ImagesView<T> y) {
    const Averaging averaging{options, x.h, x.w, y.h, y.w};
    const bool two_by_two = is_two_by_two(options) && 2 * y.h <= x.h && 2 * y.w <= x.w;
    const std::size_t pixels = x.h * x.w;
    std::size_t done = 0; // channels
    if (y.h * y.w == 1 && options.kernel_size == Size2d(x.h, x.w) && options.padding == Size2d(0)) {
        const std::size_t blocks = x.n * x.c / whole_channels;
        const Chunks chunks(blocks,
                            std::max<std::size_t>(pool_grain / std::max<std::size_t>(whole_channels * pixels, 1), 1));
        parallel_for(chunks.count, [&](std::size_t i) {
            for (std::size_t b = chunks.begin(i); b < chunks.begin(i) + chunks.length(i); ++b) {
                average_whole(x.data + b * whole_channels * pixels, pixels, y.data + b * whole_channels);
            }
        });
        done = blocks * whole_channels;
    }
    const ImagesView<const T> rest{x.data + done * pixels, 1, x.n * x.c - done, x.h, x.w};
    for_each_plane(rest, [&](std::size_t plane) {
        const T* from = rest.data + plane * pixels;
        T* to = y.data + (done + plane) * y.h * y.w;
        if (two_by_two) { return average_two_by_two(from, x.w, y.h, y.w, to); }
        average_any(from, averaging, to);
    });
}

template <> template <class T>
void Pool2dKernels<OnCpu>::avg_backward(ImagesView<const T> dy, const AvgPool2dOptions& options, ImagesView<T> dx) {
    const Averaging averaging{options, dx.h, dx.w, dy.h, dy.w};
    const bool two_by_two = is_two_by_two(options) && 2 * dy.h <= dx.h && 2 * dy.w <= dx.w;
    for_each_plane(dx, [&](std::size_t plane) {
        const T* from = dy.data + plane * dy.h * dy.w;
        T* to = dx.data + plane * dx.h * dx.w;
        std::fill(to, to + dx.h * dx.w, T(0));
        if (two_by_two) { return share_two_by_two(from, dx.w, dy.h, dy.w, to); }
        share_any(from, averaging, to);
    });
}

HANDGRAD_INSTANTIATE_KERNEL(Pool2dKernels<OnCpu>::max_forward)
HANDGRAD_INSTANTIATE_KERNEL(Pool2dKernels<OnCpu>::max_backward)
HANDGRAD_INSTANTIATE_KERNEL(Pool2dKernels<OnCpu>::avg_forward)
HANDGRAD_INSTANTIATE_KERNEL(Pool2dKernels<OnCpu>::avg_backward)

} // namespace handgrad
