#include "handgrad/ops/pool2d/cpu.hpp"

#include "handgrad/ops/pool2d/cpu_windows.hpp"

namespace handgrad::cpu {
namespace {

/// Windows that pool_two_by_two looks at together.
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

/// One channel, whatever the options: a whole row of windows at a time, place by place of the window.
template <class T> void pool_any(const T* x, std::size_t height, std::size_t width, const MaxPool2dOptions& options,
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

/// Blocks of 2 x 2 in an image of an even width. All channels below one another are one such image, if their height is
/// even too; `rows` of windows of it are done here, the first of them being row `first` of some channel.
///
/// Blocks are taken at every row, not only at every second, and those in between are thrown away: so the loop is long
/// even where an image is narrow, and fills the SIMD registers. The winners of the upper and the lower two play the
/// final: with ties and NaN that is as if the four were looked at in order.
template <class T> void pool_two_by_two(const T* x, std::size_t columns, std::size_t rows, std::size_t first,
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

} // namespace

template <class T>
void max_pool2d_forward(const Tensor<T>& x, const MaxPool2dOptions& options, Tensor<T>& y, Indices& indices) {
    const Shape shape = check_max_pool2d_forward(x, options, y);
    resize(y, shape);
    resize(indices, shape);
    const std::size_t height = x.shape(2), width = x.shape(3), rows = shape[2], columns = shape[3];
    if (is_two_by_two(options) && height == 2 * rows && width == 2 * columns && columns <= two_by_two_block) {
        const Chunks chunks(shape[0] * shape[1] * rows, std::max<std::size_t>(pool_grain / (2 * width), 1));
        parallel_for(chunks.count, [&](std::size_t i) {
            const std::size_t row = chunks.begin(i);
            pool_two_by_two(x.data() + row * 2 * width, columns, chunks.length(i), row, rows, y.data() + row * columns,
                            indices.data() + row * columns);
        });
        return;
    }
    for_each_plane(x.shape(), [&](std::size_t plane) {
        pool_any(x.data() + plane * height * width, height, width, options, rows, columns,
                 y.data() + plane * rows * columns, indices.data() + plane * rows * columns);
    });
}

template <class T>
void max_pool2d_backward(const Tensor<T>& dy, const Indices& indices, const Shape& shape_of_x, Tensor<T>& dx) {
    resize(dx, check_max_pool2d_backward(dy, indices, shape_of_x, dx));
    const std::size_t pixels = shape_of_x[2] * shape_of_x[3], windows = dy.shape(2) * dy.shape(3);
    for_each_plane(shape_of_x, [&](std::size_t plane) {
        const T* from = dy.data() + plane * windows;
        const std::int32_t* winners = indices.data() + plane * windows;
        T* to = dx.data() + plane * pixels;
        std::fill(to, to + pixels, T(0));
        for (std::size_t i = 0; i < windows; ++i) { to[winners[i]] += from[i]; }
    });
}

template <class T> MaxPool2dResult<T> max_pool2d_forward(const Tensor<T>& x, const MaxPool2dOptions& options) {
    MaxPool2dResult<T> result;
    max_pool2d_forward(x, options, result.y, result.indices);
    return result;
}

template <class T> Tensor<T> max_pool2d_backward(const Tensor<T>& dy, const Indices& indices, const Shape& shape_of_x) {
    Tensor<T> dx;
    max_pool2d_backward(dy, indices, shape_of_x, dx);
    return dx;
}

#define HANDGRAD_INSTANTIATE(T)                                                                                        \
    template void max_pool2d_forward(const Tensor<T>&, const MaxPool2dOptions&, Tensor<T>&, Indices&);                 \
    template void max_pool2d_backward(const Tensor<T>&, const Indices&, const Shape&, Tensor<T>&);                     \
    template MaxPool2dResult<T> max_pool2d_forward(const Tensor<T>&, const MaxPool2dOptions&);                         \
    template Tensor<T> max_pool2d_backward(const Tensor<T>&, const Indices&, const Shape&);
HANDGRAD_INSTANTIATE(float)
HANDGRAD_INSTANTIATE(double)

} // namespace handgrad::cpu
