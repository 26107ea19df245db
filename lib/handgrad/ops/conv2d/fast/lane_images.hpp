#pragma once
// Images, one in each lane of a SIMD register: pixel (c, h, w) of image l is lane l of register (c, h, w). Every
// instruction then works on all of these images at once, for images of any size.

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <type_traits>
#include <utility>

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

/// Transposes squares, Side x Side, in registers of Side numbers. A shuffle of two registers is one instruction on most
/// processors, and the compilers know which.
template <class T, std::size_t Side> struct Square {
    typedef T Row __attribute__((vector_size(Side * sizeof(T))));
    Row rows[Side];

    [[gnu::always_inline]] static Square load(const T* from, std::size_t step) {
        Square square;
        for (std::size_t i = 0; i < Side; ++i) { std::memcpy(&square.rows[i], from + i * step, sizeof(Row)); }
        return square;
    }
    [[gnu::always_inline]] void store(T* to, std::size_t step) const {
        for (std::size_t i = 0; i < Side; ++i) { std::memcpy(to + i * step, &rows[i], sizeof(Row)); }
    }
    /// The same for rows at from + places[i]. @param places Side distances
    [[gnu::always_inline]] static Square load_rows(const T* from, const std::size_t* places) {
        Square square;
        for (std::size_t i = 0; i < Side; ++i) { std::memcpy(&square.rows[i], from + places[i], sizeof(Row)); }
        return square;
    }
    [[gnu::always_inline]] void store_rows(T* to, const std::size_t* places) const {
        for (std::size_t i = 0; i < Side; ++i) { std::memcpy(to + places[i], &rows[i], sizeof(Row)); }
    }
    /// Interleaves the upper half of the rows with the lower half, as in a perfect shuffle of cards, log2(Side) times.
    [[gnu::always_inline]] Square transposed() const { return transposed(std::make_integer_sequence<int, Side>()); }

private:
    template <int... I> [[gnu::always_inline]] Square transposed(std::integer_sequence<int, I...>) const {
        constexpr int n = static_cast<int>(Side);
        Square square = *this;
        for (std::size_t done = 1; done < Side; done *= 2) {
            const Square before = square;
            for (std::size_t i = 0; i < Side / 2; ++i) {
                const Row upper = before.rows[i], lower = before.rows[i + Side / 2];
                square.rows[2 * i] = __builtin_shufflevector(upper, lower, (I / 2 + I % 2 * n)...);
                square.rows[2 * i + 1] = __builtin_shufflevector(upper, lower, (n / 2 + I / 2 + I % 2 * n)...);
            }
        }
        return square;
    }
};

/// Calls f(side, w, l) for the first column w and lane l of each square of `columns` columns and all lanes, with the
/// side as a constant. The last square overlaps the previous one if its side does not divide the columns.
template <std::size_t Side, class T, class F> void for_each_square_of(std::size_t columns, const F& f) {
    for (std::size_t w = 0; w < columns; w += Side) {
        for (std::size_t l = 0; l < lanes<T>; l += Side) {
            f(std::integral_constant<std::size_t, Side>{}, std::min(w, columns - Side), l);
        }
    }
}

/// The side of the smallest squares.
template <class T> inline constexpr std::size_t smallest_side = 16 / sizeof(T);

/// The same with the largest squares that fit. @returns false if the smallest do not
template <class T, class F> bool for_each_square(std::size_t columns, const F& f) {
    if (columns >= lanes<T>) {
        for_each_square_of<lanes<T>, T>(columns, f);
    } else if (columns >= smallest_side<T>) {
        for_each_square_of<smallest_side<T>, T>(columns, f);
    }
    return columns >= smallest_side<T>;
}

/// Packs a row of up to `lanes` images: pixel w of image l, x[l * image + w], goes to lane l of the register at
/// packed + w * step. Lanes without an image become 0.
template <class T>
void pack_columns(const T* x, std::size_t image, std::size_t images, std::size_t columns, T* packed, std::size_t step) {
    const auto transpose = [&](auto side, std::size_t w, std::size_t l) {
        Square<T, side()>::load(x + l * image + w, image).transposed().store(packed + w * step + l, step);
    };
    if (images == lanes<T> && for_each_square<T>(columns, transpose)) { return; }
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
    const auto transpose = [&](auto side, std::size_t w, std::size_t l) {
        Square<T, side()>::load(packed + w * step + l, step).transposed().store(x + l * image + w, image);
    };
    if (images == lanes<T> && for_each_square<T>(columns, transpose)) { return; }
    for (std::size_t w = 0; w < columns; ++w) {
        for (std::size_t l = 0; l < images; ++l) { x[l * image + w] = packed[w * step + l]; }
    }
}

} // namespace handgrad::cpu
