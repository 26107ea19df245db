#pragma once
// Images, one in each lane of a SIMD register: pixel (c, h, w) of image l is lane l of register (c, h, w). Every
// instruction then works on all of these images at once, for images of any size.

#include <algorithm>
#include <cstddef>

#include "handgrad/tensor/simd.hpp"

namespace handgrad::cpu {

/// A larger image around an image, whose pixel (h, w) becomes (top + h step_h, left + w step_w) of the frame. All other
/// pixels of the frame are 0.
struct Frame {
    std::size_t rows, columns;
    std::size_t top = 0, left = 0;
    std::size_t step_h = 1, step_w = 1;

    std::size_t size() const { return rows * columns; } ///< number of registers of a channel
};

/// n, rounded up to a multiple of the number of lanes.
template <class T> std::size_t whole_registers(std::size_t n) { return (n + lanes<T> - 1) / lanes<T> * lanes<T>; }

/// The number of registers that `images` images fill, one image in each lane.
template <class T> std::size_t registers_of_images(std::size_t images) { return (images + lanes<T> - 1) / lanes<T>; }

/// The images in the lanes of one register: first, first + 1, ..., first + count - 1.
struct LaneImages {
    std::size_t first, count;
};
/// The images in the lanes of register i, of `images` images in total.
template <class T> LaneImages lane_images(std::size_t i, std::size_t images) {
    return {i * lanes<T>, std::min(lanes<T>, images - i * lanes<T>)};
}

/// Transposes small squares, side x side, in registers of 128 bits, whose two halves every processor can interleave in
/// one instruction.
template <class T> struct Square {
    static constexpr std::size_t side = 16 / sizeof(T);
    using Row = xsimd::make_sized_batch_t<T, side>;
    Row rows[side];

    static Square load(const T* from, std::size_t step) {
        Square square;
        for (std::size_t i = 0; i < side; ++i) { square.rows[i] = Row::load_unaligned(from + i * step); }
        return square;
    }
    void store(T* to, std::size_t step) const {
        for (std::size_t i = 0; i < side; ++i) { rows[i].store_unaligned(to + i * step); }
    }
    /// Interleaves the upper half of the rows with the lower half, as in a perfect shuffle of cards, log2(side) times.
    Square transposed() const {
        Square square = *this;
        for (std::size_t done = 1; done < side; done *= 2) {
            const Square before = square;
            for (std::size_t i = 0; i < side / 2; ++i) {
                square.rows[2 * i] = xsimd::zip_lo(before.rows[i], before.rows[i + side / 2]);
                square.rows[2 * i + 1] = xsimd::zip_hi(before.rows[i], before.rows[i + side / 2]);
            }
        }
        return square;
    }
};

/// Calls f(w, l) for the first column w and lane l of each square of `columns` columns and all lanes. The last square
/// overlaps the previous one if its side does not divide the columns.
template <class T, class F> void for_each_square(std::size_t columns, const F& f) {
    constexpr std::size_t side = Square<T>::side;
    for (std::size_t w = 0; w < columns; w += side) {
        for (std::size_t l = 0; l < lanes<T>; l += side) { f(std::min(w, columns - side), l); }
    }
}

/// Packs a row of up to `lanes` images: pixel w of image l, x[l * image + w], goes to lane l of the register at
/// packed + w * step. Lanes without an image become 0.
template <class T>
void pack_columns(const T* x, std::size_t image, std::size_t images, std::size_t columns, T* packed, std::size_t step) {
    constexpr std::size_t side = Square<T>::side;
    if (images == lanes<T> && columns >= side) {
        for_each_square<T>(columns, [&](std::size_t w, std::size_t l) {
            Square<T>::load(x + l * image + w, image).transposed().store(packed + w * step + l, step);
        });
        return;
    }
    for (std::size_t w = 0; w < columns; ++w) {
        T* to = packed + w * step;
        for (std::size_t l = 0; l < images; ++l) { to[l] = x[l * image + w]; }
        for (std::size_t l = images; l < lanes<T>; ++l) { to[l] = T(0); }
    }
}

/// Packs `images` images, at most `lanes`, of `channels` channels of height x width pixels.
/// @param image distance between two images @param packed channels x frame registers
template <class T> void pack(const T* x, std::size_t image, std::size_t images, std::size_t channels,
                             std::size_t height, std::size_t width, const Frame& frame, T* packed) {
    if (frame.rows == height && frame.columns == width) { // one long row
        pack_columns(x, image, images, channels * height * width, packed, lanes<T>);
        return;
    }
    std::fill_n(packed, channels * frame.size() * lanes<T>, T(0));
    for (std::size_t c = 0; c < channels; ++c) {
        for (std::size_t h = 0; h < height; ++h) {
            const std::size_t row = c * frame.rows + frame.top + h * frame.step_h;
            pack_columns(x + (c * height + h) * width, image, images, width,
                         packed + (row * frame.columns + frame.left) * lanes<T>, frame.step_w * lanes<T>);
        }
    }
}

/// Unpacks a row: lane l of the register at packed + w * step goes to x[l * image + w].
template <class T> void unpack_columns(const T* packed, std::size_t columns, std::size_t image, std::size_t images,
                                       T* x, std::size_t step = lanes<T>) {
    constexpr std::size_t side = Square<T>::side;
    if (images == lanes<T> && columns >= side) {
        for_each_square<T>(columns, [&](std::size_t w, std::size_t l) {
            Square<T>::load(packed + w * step + l, step).transposed().store(x + l * image + w, image);
        });
        return;
    }
    for (std::size_t w = 0; w < columns; ++w) {
        for (std::size_t l = 0; l < images; ++l) { x[l * image + w] = packed[w * step + l]; }
    }
}

} // namespace handgrad::cpu
