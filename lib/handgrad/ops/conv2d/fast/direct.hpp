#pragma once
// Convolution without a matrix: one image in each lane, a tile of output channels x pixels in registers while the sum
// over the window runs. Every number of x and w is loaded once for a whole tile, so the loads hide behind the
// multiplications.

#include <array>

#include "handgrad/ops/conv2d/fast/lane_images.hpp"
#include "handgrad/ops/conv2d/geometry.hpp"
#include "handgrad/tensor/narrow_matmul.hpp"

namespace handgrad::cpu::direct {

#if defined(__AVX512F__) || defined(__aarch64__)
inline constexpr std::size_t registers = 32;
#else
inline constexpr std::size_t registers = 16;
#endif
/// The most output channels in a tile of so many pixels: all sums, a pixel each, and a weight fit into the registers.
constexpr std::size_t tile_channels(std::size_t pixels) { return (registers - 1 - pixels) / pixels; }
/// A tile's pixels for a convolution with so many output channels: more where few channels would leave registers idle.
/// Otherwise two, for many channels then share what is read of x.
constexpr std::size_t tile_pixels(std::size_t channels) { return channels <= tile_channels(4) ? 4 : 2; }

/// `n` cut into as few pieces of at most `most` as there can be, all about equal.
class Pieces {
public:
    Pieces(std::size_t n, std::size_t most) : n_(n), count_((n + most - 1) / most) {}
    std::size_t count() const { return count_; }
    std::size_t begin(std::size_t i) const { return n_ * i / count_; }
    std::size_t size(std::size_t i) const { return begin(i + 1) - begin(i); }

private:
    std::size_t n_, count_;
};

/// A convolution of packed images: x is (channels, frame). Output pixel (p, q) with tap (r, s) reads the frame's pixel
/// (p stride + r dilation - above, q stride + s dilation + before). Rows outside the frame count as 0.
struct Correlation {
    std::size_t in, out;    ///< channels of a group
    std::size_t R, S, P, Q; ///< kernel and result
    Size2d stride, dilation;
    Frame frame;       ///< of x
    std::size_t width; ///< columns of the frame from frame.left on that may be other than 0
    std::ptrdiff_t above = 0;
    std::size_t before = 0;

    /// The kernel's rows that output row p meets within the frame.
    Inside kernel_rows(std::size_t p) const {
        return Inside(static_cast<std::ptrdiff_t>(p * stride.h) - above, dilation.h, R, frame.rows);
    }
    /// The kernel's columns with which any of the `pixels` output pixels from column q on meets more than zeros.
    Inside kernel_columns(std::size_t q, std::size_t pixels) const {
        const auto first = static_cast<std::ptrdiff_t>(q * stride.w + before) - static_cast<std::ptrdiff_t>(frame.left);
        const auto last = first + static_cast<std::ptrdiff_t>((pixels - 1) * stride.w);
        Inside some(first, dilation.w, S, width);
        some.begin = std::min(some.end, Inside(last, dilation.w, S, width).begin);
        return some;
    }
};

/// The weight in the order in which the tiles read it: for each piece of output channels, for each (c, r, s), one number
/// for each channel of the piece. @param at(k, c, r, s) the weight
template <class T, class At> void pack_weight(const Correlation& c, const Pieces& pieces, const At& at, T* packed) {
    for (std::size_t piece = 0; piece < pieces.count(); ++piece) {
        for (std::size_t ci = 0; ci < c.in; ++ci) {
            for (std::size_t r = 0; r < c.R; ++r) {
                for (std::size_t s = 0; s < c.S; ++s) {
                    for (std::size_t k = 0; k < pieces.size(piece); ++k) {
                        *packed++ = at(pieces.begin(piece) + k, ci, r, s);
                    }
                }
            }
        }
    }
}

/// sum[k][p] += w * x for a tile: K output channels, pixels p whose windows begin at x + offsets[p].
/// @param x where tap (rows.begin, columns.begin) of the tile's first pixel looks @param w the piece's packed weight
/// @param rows, columns the kernel's rows and columns to be added up
template <std::size_t K, std::size_t Pixels, class T>
[[gnu::always_inline]] inline void add_tile(const Correlation& c, const T* x,
                                            const std::array<std::size_t, Pixels>& offsets, const T* w, Inside rows,
                                            Inside columns, Vec<T> (&sum)[K][Pixels]) {
    for (std::size_t ci = 0; ci < c.in; ++ci) {
        for (std::size_t r = rows.begin; r < rows.end; ++r) {
            const std::size_t row = ci * c.frame.rows + (r - rows.begin) * c.dilation.h;
            const T* pixel = x + row * c.frame.columns * lanes<T>;
            const T* weight = w + ((ci * c.R + r) * c.S + columns.begin) * K;
            for (std::size_t s = columns.begin; s < columns.end; ++s, pixel += c.dilation.w * lanes<T>, weight += K) {
                Vec<T> xs[Pixels];
                for (std::size_t p = 0; p < Pixels; ++p) { xs[p] = Vec<T>::load_aligned(pixel + offsets[p]); }
                for (std::size_t k = 0; k < K; ++k) {
                    const Vec<T> wk(weight[k]);
                    for (std::size_t p = 0; p < Pixels; ++p) { sum[k][p] = multiply_add(wk, xs[p], sum[k][p]); }
                }
            }
        }
    }
}

/// Output row p of K channels, in tiles of `Pixels` pixels: y[k * Q + q], registers.
template <std::size_t Pixels, std::size_t K, class T>
void row(const Correlation& c, const T* x, const T* w, const T* bias, std::size_t p, T* y) {
    const Inside rows = c.kernel_rows(p);
    const auto first = static_cast<std::ptrdiff_t>(p * c.stride.h + rows.begin * c.dilation.h) - c.above;
    const T* start = x + (rows.begin < rows.end ? static_cast<std::size_t>(first) * c.frame.columns * lanes<T> : 0);
    const auto tile = [&](auto pixels, std::size_t q) {
        constexpr std::size_t n = decltype(pixels)::value;
        std::array<std::size_t, n> offsets;
        for (std::size_t i = 0; i < n; ++i) { offsets[i] = i * c.stride.w * lanes<T>; }
        Vec<T> sum[K][n];
        for (std::size_t k = 0; k < K; ++k) {
            for (auto& v : sum[k]) { v = Vec<T>(bias ? bias[k] : T(0)); }
        }
        const Inside columns = c.kernel_columns(q, n);
        const std::size_t column = q * c.stride.w + columns.begin * c.dilation.w + c.before;
        add_tile<K, n>(c, start + column * lanes<T>, offsets, w, rows, columns, sum);
        for (std::size_t k = 0; k < K; ++k) {
            for (std::size_t i = 0; i < n; ++i) { sum[k][i].store_aligned(y + (k * c.Q + q + i) * lanes<T>); }
        }
    };
    std::size_t q = 0;
    for (; q + Pixels <= c.Q; q += Pixels) { tile(std::integral_constant<std::size_t, Pixels>{}, q); }
    for (; q < c.Q; ++q) { tile(std::integral_constant<std::size_t, 1>{}, q); }
}

/// The images of one register: y = w * x + b, NCHW. @param pieces of the output channels @param w all pieces, packed
/// @param scratch tile_channels(Pixels) x Q registers
template <std::size_t Pixels, class T> void correlate(const Correlation& c, const Pieces& pieces, const T* x,
                                                      const T* w, const T* bias, T* y, std::size_t image,
                                                      std::size_t images, T* scratch) {
    for (std::size_t piece = 0; piece < pieces.count(); ++piece) {
        const std::size_t k0 = pieces.begin(piece);
        const T* weight = w + k0 * c.in * c.R * c.S;
        with_constant<tile_channels(Pixels)>(pieces.size(piece), [&](auto k) {
            for (std::size_t p = 0; p < c.P; ++p) {
                row<Pixels, k()>(c, x, weight, bias ? bias + k0 : nullptr, p, scratch);
                for (std::size_t i = 0; i < k(); ++i) {
                    unpack_columns(scratch + i * c.Q * lanes<T>, c.Q, image, images, y + ((k0 + i) * c.P + p) * c.Q);
                }
            }
        });
    }
}

// ---- The weight's gradient ----
// dw_kcrs is a sum over pixels and images. The images' sums stay apart, one in each lane, to the very end.

inline constexpr std::size_t tile_taps = registers == 32 ? 5 : 3;

/// sums[k * taps + t] += dy x over `rows` rows of dy: K channels, taps t0 .. t0 + Taps.
/// @param x the first pixel of those rows @param dy K x rows x Q registers
/// @param offsets where tap t looks, relative to a window's first pixel @param sums registers
template <std::size_t K, std::size_t Taps, class T> void add_weight_tile(const Correlation& c, const T* x, const T* dy,
                                                                         std::size_t rows, const std::size_t* offsets,
                                                                         T* sums, std::size_t taps) {
    const T* at[Taps];
    for (std::size_t t = 0; t < Taps; ++t) { at[t] = x + offsets[t]; }
    Vec<T> sum[K][Taps];
    for (std::size_t k = 0; k < K; ++k) {
        for (std::size_t t = 0; t < Taps; ++t) { sum[k][t] = Vec<T>::load_aligned(sums + (k * taps + t) * lanes<T>); }
    }
    const std::size_t channel = rows * c.Q * lanes<T>;
    for (std::size_t p = 0; p < rows; ++p) {
        std::size_t place = p * c.stride.h * c.frame.columns * lanes<T>;
        const T* d = dy + p * c.Q * lanes<T>;
        for (std::size_t q = 0; q < c.Q; ++q, place += c.stride.w * lanes<T>, d += lanes<T>) {
            Vec<T> dk[K];
            for (std::size_t k = 0; k < K; ++k) { dk[k] = Vec<T>::load_aligned(d + k * channel); }
            for (std::size_t t = 0; t < Taps; ++t) {
                const auto xt = Vec<T>::load_aligned(at[t] + place);
                for (std::size_t k = 0; k < K; ++k) { sum[k][t] = multiply_add(dk[k], xt, sum[k][t]); }
            }
        }
    }
    for (std::size_t k = 0; k < K; ++k) {
        for (std::size_t t = 0; t < Taps; ++t) { sum[k][t].store_aligned(sums + (k * taps + t) * lanes<T>); }
    }
}

/// All taps of K channels for some rows of dy, p0 .. p0 + rows.
template <std::size_t K, class T> void add_weight_rows(const Correlation& c, const T* x, const T* dy, std::size_t p0,
                                                       std::size_t rows, const std::size_t* offsets, T* sums) {
    const std::size_t taps = c.in * c.R * c.S;
    const Pieces pieces(taps, tile_taps);
    const T* start = x + p0 * c.stride.h * c.frame.columns * lanes<T>;
    for (std::size_t i = 0; i < pieces.count(); ++i) {
        const std::size_t t0 = pieces.begin(i);
        with_constant(pieces.size(i), [&](auto n) {
            if constexpr (n() <= tile_taps) {
                add_weight_tile<K, n()>(c, start, dy, rows, offsets + t0, sums + t0 * lanes<T>, taps);
            }
        });
    }
}

} // namespace handgrad::cpu::direct
