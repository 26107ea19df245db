#pragma once
// The convolution with the channels of a pixel beside each other in memory ("channels last"). The pixels under a row of
// a kernel then are one long row of numbers, and so a row of y is a sum of R matrix products, one for each row of the
// kernel, of the image as it lies in memory: no windows are copied. Images of any batch, with at least a register of
// channels; one group, dilation 1.

#include "handgrad/ops/conv2d/fast/direct.hpp"
#include "handgrad/tensor/block_matmul.hpp"

namespace handgrad::cpu::channels_last {

/// Whether these kernels can compute the convolution.
inline bool suits(const Conv2dGeometry& g) { return fuses && g.groups == 1 && g.dilation == Size2d(1); }

/// An image in memory, channels last, with zeros around it. With a stride the rows that a row of the kernel meets are
/// beside each other: rows 0, stride, 2 stride, ..., then rows 1, stride + 1, ... Each is a whole number of strides
/// long, so the windows of one row of the kernel, of all output rows, are equally far apart.
struct Rows {
    std::size_t channels, height, width; ///< of the image
    Size2d padding = 0, stride = 1;
    Size2d at_least = 0; ///< rows and columns, with zeros below and to the right of the padded image

    /// Number of rows of each remainder of the division by the stride.
    std::size_t of_remainder() const {
        return std::max(at_least.h, (height + 2 * padding.h + stride.h - 1) / stride.h);
    }
    std::size_t columns() const {
        return std::max(at_least.w, (width + 2 * padding.w + stride.w - 1) / stride.w * stride.w);
    }
    template <class T> std::size_t pixel() const { return whole_registers<T>(channels); } ///< numbers in a pixel
    template <class T> std::size_t row() const { return columns() * pixel<T>(); }         ///< numbers in a row
    template <class T> std::size_t size() const { return stride.h * of_remainder() * row<T>(); }
    /// The place of row h of the padded image.
    template <class T> std::size_t place(std::size_t h) const {
        return (h % stride.h * of_remainder() + h / stride.h) * row<T>();
    }
};

/// The place of each pixel of an image in the packed image, in scratch memory of this thread for each Purpose.
template <class T, class Purpose> const std::size_t* places_of(const Rows& rows) {
    std::size_t* places = scratch<std::size_t, Purpose>(rows.height * rows.width);
    for (std::size_t h = 0; h < rows.height; ++h) {
        for (std::size_t w = 0; w < rows.width; ++w) {
            places[h * rows.width + w] = rows.place<T>(rows.padding.h + h) + (rows.padding.w + w) * rows.pixel<T>();
        }
    }
    return places;
}

/// Packs an image. The channels are filled up with zeros to whole registers; the padding stays as it is.
template <class T> void pack_image(const Rows& rows, const std::size_t* places, const T* x, T* packed) {
    const std::size_t plane = rows.height * rows.width;
    for (std::size_t c = 0; c < rows.channels; c += lanes<T>, x += lanes<T> * plane, packed += lanes<T>) {
        const std::size_t channels = std::min(lanes<T>, rows.channels - c);
        if (channels == lanes<T> && plane >= lanes<T>) {
            for_each_square_of<lanes<T>, T>(plane, [&](auto side, std::size_t i, std::size_t) {
                Square<T, side()>::load(x + i, plane).transposed().store_rows(packed, places + i);
            });
        } else {
            for (std::size_t i = 0; i < plane; ++i) {
                T* to = packed + places[i];
                for (std::size_t l = 0; l < channels; ++l) { to[l] = x[l * plane + i]; }
                for (std::size_t l = channels; l < lanes<T>; ++l) { to[l] = T(0); }
            }
        }
    }
}

/// Unpacks an image, the inverse of pack_image.
template <class T> void unpack_image(const Rows& rows, const std::size_t* places, const T* packed, T* x) {
    const std::size_t plane = rows.height * rows.width;
    for (std::size_t c = 0; c < rows.channels; c += lanes<T>, x += lanes<T> * plane, packed += lanes<T>) {
        const std::size_t channels = std::min(lanes<T>, rows.channels - c);
        if (channels == lanes<T> && plane >= lanes<T>) {
            for_each_square_of<lanes<T>, T>(plane, [&](auto side, std::size_t i, std::size_t) {
                Square<T, side()>::load_rows(packed, places + i).transposed().store(x + i, plane);
            });
        } else {
            for (std::size_t i = 0; i < plane; ++i) {
                for (std::size_t l = 0; l < channels; ++l) { x[l * plane + i] = packed[places[i] + l]; }
            }
        }
    }
}

/// Calls f(k, c, area) for each output channel k and register c, c + 1, ... of input channels of the weight.
/// @param area R S registers: lane l of register r S + s is w(k, c + l, r, s)
template <class T, class F> void for_each_input_register(const Conv2dGeometry& g, const T* w, const F& f) {
    const std::size_t area = g.R * g.S;
    T* packed = scratch<T, struct KernelArea>(area * lanes<T>);
    for (std::size_t k = 0; k < g.K; ++k) {
        for (std::size_t c = 0; c < g.C; c += lanes<T>) {
            pack_columns(w + (k * g.C + c) * area, area, std::min(lanes<T>, g.C - c), area, packed, lanes<T>);
            f(k, c, packed);
        }
    }
}

/// Calls f(c, k, area) for each input channel c and register k, k + 1, ... of output channels of the weight.
/// @param area R S registers: lane l of register r S + s is w(k + l, c, r, s)
template <class T, class F> void for_each_output_register(const Conv2dGeometry& g, const T* w, const F& f) {
    const std::size_t area = g.R * g.S;
    T* packed = scratch<T, struct KernelArea>(area * lanes<T>);
    for (std::size_t k = 0; k < g.K; k += lanes<T>) {
        for (std::size_t c = 0; c < g.C; ++c) {
            pack_columns(w + (k * g.C + c) * area, g.C * area, std::min(lanes<T>, g.K - k), area, packed, lanes<T>);
            f(c, k, packed);
        }
    }
}

/// Copies a register.
template <class T> void copy_register(const T* from, T* to) { Vec<T>::load_aligned(from).store_aligned(to); }

/// The rows of x with its padding.
inline Rows rows_of_x(const Conv2dGeometry& g) { return {g.C, g.H, g.W, g.padding, g.stride}; }
/// The rows of y.
inline Rows rows_of_y(const Conv2dGeometry& g) { return {g.K, g.P, g.Q}; }

/// Calls f(n, memory) for each image n, in parallel.
/// @param memory `size` numbers for each chunk of images, the first `zeros` of which are 0 at first
template <class T, class F>
void for_each_image(const Conv2dGeometry& g, T* memory, std::size_t size, std::size_t zeros, const F& f) {
    const Chunks chunks = chunks_of(g.N);
    parallel_for(chunks.count, [&](std::size_t i) {
        std::fill_n(memory + i * size, zeros, T(0));
        for (std::size_t n = chunks.begin(i); n < chunks.begin(i) + chunks.length(i); ++n) { f(n, memory + i * size); }
    });
}

/// y = w * x + b for all images. @param b null for no bias
template <class T> void forward(const Conv2dGeometry& g, const T* x, const T* w, const T* b, T* y) {
    const Rows pixels = rows_of_x(g), results = rows_of_y(g);
    const std::size_t C = pixels.pixel<T>(), K = results.pixel<T>(), kernel_row = g.S * C;
    const std::size_t weight_size = g.R * kernel_row * K, size = pixels.size<T>() + results.size<T>();
    T* weight = workspace<T>(weight_size + K + chunks_of(g.N).count * size);
    T* bias = weight + weight_size;
    std::fill_n(weight, weight_size + K, T(0)); // also for the channels that fill the last register
    for_each_output_register(g, w, [&](std::size_t c, std::size_t k, const T* area) {
        for (std::size_t t = 0; t < g.R * g.S; ++t) {
            copy_register(area + t * lanes<T>, weight + (t * C + c) * K + k);
        }
    });
    if (b) { std::copy_n(b, g.K, bias); }
    const auto *pixel_places = places_of<T, struct PixelPlaces>(pixels),
               *result_places = places_of<T, struct ResultPlaces>(results);
    for_each_image(g, bias + K, size, pixels.size<T>(), [&](std::size_t n, T* memory) {
        T* sums = memory + pixels.size<T>();
        pack_image(pixels, pixel_places, x + n * g.x_image(), memory);
        for (std::size_t p = 0; p < g.P; ++p) {
            for (std::size_t r = 0; r < g.R; ++r) {
                const T* windows = memory + pixels.place<T>(p * g.stride.h + r);
                block_matmul(Strided<T>{windows, g.stride.w * C, 1}, weight + r * kernel_row * K,
                             r == 0 ? bias : nullptr, sums + p * g.Q * K, g.Q, kernel_row, K);
            }
        }
        unpack_image(results, result_places, sums, y + n * g.y_image());
    });
}

/// dx of all images, overwritten: each row of dy is multiplied by the weights of a tap and added to the pixels that the
/// tap reads.
template <class T> void backward_input(const Conv2dGeometry& g, const T* dy, const T* w, T* dx) {
    const Rows pixels = rows_of_x(g), upstream = rows_of_y(g);
    const std::size_t C = pixels.pixel<T>(), K = upstream.pixel<T>(), taps = g.R * g.S;
    const std::size_t size = pixels.size<T>() + upstream.size<T>();
    T* weight = workspace<T>(taps * K * C + chunks_of(g.N).count * size);
    std::fill_n(weight, taps * K * C, T(0));
    for_each_input_register(g, w, [&](std::size_t k, std::size_t c, const T* area) {
        for (std::size_t t = 0; t < taps; ++t) { copy_register(area + t * lanes<T>, weight + (t * K + k) * C + c); }
    });
    const auto *pixel_places = places_of<T, struct PixelPlaces>(pixels),
               *result_places = places_of<T, struct ResultPlaces>(upstream);
    for_each_image(g, weight + taps * K * C, size, 0, [&](std::size_t n, T* memory) {
        T* rows = memory + pixels.size<T>();
        std::fill_n(memory, pixels.size<T>(), T(0));
        pack_image(upstream, result_places, dy + n * g.y_image(), rows);
        for (std::size_t p = 0; p < g.P; ++p) {
            for (std::size_t t = 0; t < taps; ++t) {
                T* read = memory + pixels.place<T>(p * g.stride.h + t / g.S) + t % g.S * C;
                block_matmul(Strided<T>{rows + p * g.Q * K, K, 1}, weight + t * K * C, static_cast<const T*>(nullptr),
                             read, g.Q, K, C, {C, g.stride.w * C});
            }
        }
        unpack_image(pixels, pixel_places, memory, dx + n * g.x_image());
    });
}

/// The chunks of images whose sums of dw are computed apart: fewer than elsewhere, because each has a dw of its own.
inline Chunks weight_chunks(std::size_t images) { return Chunks(images, (images + 7) / 8); }

/// dw, summed over all images, overwritten: for each row of the kernel the matrix product of all windows of an image,
/// transposed, and dy. Each chunk of images computes its own sum; these are added in order.
template <class T> void backward_weight(const Conv2dGeometry& g, const T* x, const T* dy, T* dw) {
    const Rows pixels = rows_of_x(g);
    // Zeros at the ends of the rows of dy make its pixels as far apart as the windows.
    const Rows upstream{g.K, g.P, g.Q, 0, 1, {0, pixels.columns() / g.stride.w}};
    const std::size_t C = pixels.pixel<T>(), K = upstream.pixel<T>(), kernel_row = g.S * C;
    const std::size_t sums_size = g.R * kernel_row * K, windows = (g.P - 1) * upstream.columns() + g.Q;
    const std::size_t size = sums_size + pixels.size<T>() + upstream.size<T>();
    const Chunks chunks = weight_chunks(g.N);
    const auto *pixel_places = places_of<T, struct PixelPlaces>(pixels),
               *result_places = places_of<T, struct ResultPlaces>(upstream);
    T* memory = workspace<T>(chunks.count * size);
    parallel_for(chunks.count, [&](std::size_t i) {
        T *sums = memory + i * size, *image = sums + sums_size, *rows = image + pixels.size<T>();
        std::fill_n(sums, size, T(0));
        for (std::size_t n = chunks.begin(i); n < chunks.begin(i) + chunks.length(i); ++n) {
            pack_image(pixels, pixel_places, x + n * g.x_image(), image);
            pack_image(upstream, result_places, dy + n * g.y_image(), rows);
            for (std::size_t r = 0; r < g.R; ++r) {
                block_matmul(Strided<T>{image + pixels.place<T>(r), 1, g.stride.w * C}, rows,
                             static_cast<const T*>(nullptr), sums + r * kernel_row * K, kernel_row, windows, K);
            }
        }
    });
    T* column = scratch<T, struct KernelArea>(g.R * g.S * lanes<T>);
    for (std::size_t k = 0; k < g.K; k += lanes<T>) {
        for (std::size_t c = 0; c < g.C; ++c) {
            for (std::size_t t = 0; t < g.R * g.S; ++t) {
                Vec<T> sum(T(0));
                for (std::size_t i = 0; i < chunks.count; ++i) {
                    sum += Vec<T>::load_aligned(memory + i * size + (t * C + c) * K + k);
                }
                sum.store_aligned(column + t * lanes<T>);
            }
            unpack_columns(column, g.R * g.S, g.taps(), std::min(lanes<T>, g.K - k), dw + (k * g.C + c) * g.R * g.S);
        }
    }
}

} // namespace handgrad::cpu::channels_last
