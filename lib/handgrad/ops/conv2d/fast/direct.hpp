#pragma once
// The direct convolution, without a matrix: one image in each lane, and a tile of output channels x pixels in registers
// while the sums over its windows run. A kernel loads every number of x and w once for a whole tile, so it spends its
// time on multiplications and not on loads.

#include <array>
#include <type_traits>

#include "handgrad/ops/conv2d/fast/lane_images.hpp"
#include "handgrad/ops/conv2d/geometry.hpp"
#include "handgrad/tensor/narrow_matmul.hpp"

namespace handgrad::cpu::direct {

#if defined(__AVX512F__) || defined(__aarch64__)
inline constexpr std::size_t registers = 32;
#else
inline constexpr std::size_t registers = 16;
#endif
/// The largest number of output channels in a tile of `pixels` pixels for which the sums, one number of x for each
/// pixel and one number of w fit into the registers.
constexpr std::size_t tile_channels(std::size_t pixels) { return (registers - 1 - pixels) / pixels; }
/// The number of pixels in a tile of a convolution with `channels` output channels. Usually two, so that more channels
/// share each number of x; four if two would leave registers idle because there are not enough channels.
constexpr std::size_t tile_pixels(std::size_t channels) { return channels <= tile_channels(4) ? 4 : 2; }

/// `n` channels or taps in the smallest number of blocks, of about equal sizes of at most `most`.
class Blocks {
public:
    Blocks(std::size_t n, std::size_t most) : n_(n), count_((n + most - 1) / most) {}
    std::size_t count() const { return count_; }
    std::size_t begin(std::size_t i) const { return n_ * i / count_; }
    std::size_t size(std::size_t i) const { return begin(i + 1) - begin(i); }

private:
    std::size_t n_, count_;
};

/// A convolution of packed images: x is (channels, frame). Output pixel (p, q) with tap (r, s) reads pixel
/// (p stride + r dilation - above, q stride + s dilation + before) of the frame. Rows outside the frame count as 0.
struct Correlation {
    std::size_t in, out;    ///< numbers of channels of a group
    std::size_t R, S, P, Q; ///< kernel and result
    Size2d stride, dilation;
    Frame frame;       ///< frame of x
    std::size_t width; ///< columns of the image in the frame, from frame.left on; all others are 0
    std::ptrdiff_t above = 0;
    std::size_t before = 0;

    /// The kernel rows that lie within the frame for output row p.
    Range kernel_rows(std::size_t p) const {
        return Range(static_cast<std::ptrdiff_t>(p * stride.h) - above, dilation.h, R, frame.rows);
    }
    /// The kernel columns that overlap the image for at least one of `pixels` outputs starting at column q.
    Range kernel_columns(std::size_t q, std::size_t pixels) const {
        const auto first = static_cast<std::ptrdiff_t>(q * stride.w + before) - static_cast<std::ptrdiff_t>(frame.left);
        const auto last = first + static_cast<std::ptrdiff_t>((pixels - 1) * stride.w);
        Range columns(first, dilation.w, S, width);
        columns.begin = std::min(columns.end, Range(last, dilation.w, S, width).begin);
        return columns;
    }
};

/// The weight in the order in which the tiles read it: for each block of output channels, for each (c, r, s), one
/// number for each channel of the block. @param weight function that maps (k, c, r, s) to a number
template <class T, class Weight>
void pack_weight(const Correlation& c, const Blocks& blocks, const Weight& weight, T* packed) {
    for (std::size_t block = 0; block < blocks.count(); ++block) {
        for (std::size_t ci = 0; ci < c.in; ++ci) {
            for (std::size_t r = 0; r < c.R; ++r) {
                for (std::size_t s = 0; s < c.S; ++s) {
                    for (std::size_t k = 0; k < blocks.size(block); ++k) {
                        *packed++ = weight(blocks.begin(block) + k, ci, r, s);
                    }
                }
            }
        }
    }
}

/// sum[k][p] += w * x for a tile: K output channels, pixels p whose windows begin at x + offsets[p].
/// @param x address of tap (rows.begin, columns.begin) of the tile's first pixel @param w packed weight of the block
/// @param rows, columns the kernel rows and columns of the sum
template <std::size_t K, std::size_t Pixels, class T>
[[gnu::always_inline]] inline void add_tile(const Correlation& c, const T* x,
                                            const std::array<std::size_t, Pixels>& offsets, const T* w, Range rows,
                                            Range columns, Vec<T> (&sum)[K][Pixels]) {
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
    const Range rows = c.kernel_rows(p);
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
        const Range columns = c.kernel_columns(q, n);
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

/// The images of one register: y = w * x + b, NCHW. @param blocks of the output channels @param w all blocks, packed
/// @param memory tile_channels(Pixels) x Q registers
template <std::size_t Pixels, class T> void correlate(const Correlation& c, const Blocks& blocks, const T* x,
                                                      const T* w, const T* bias, T* y, std::size_t image,
                                                      std::size_t images, T* memory) {
    for (std::size_t block = 0; block < blocks.count(); ++block) {
        const std::size_t k0 = blocks.begin(block);
        const T* weight = w + k0 * c.in * c.R * c.S;
        with_constant<tile_channels(Pixels)>(blocks.size(block), [&](auto k) {
            for (std::size_t p = 0; p < c.P; ++p) {
                row<Pixels, k()>(c, x, weight, bias ? bias + k0 : nullptr, p, memory);
                for (std::size_t i = 0; i < k(); ++i) {
                    unpack_columns(memory + i * c.Q * lanes<T>, c.Q, image, images, y + ((k0 + i) * c.P + p) * c.Q);
                }
            }
        });
    }
}

// ---- The weight's gradient ----
// dw_kcrs is a sum over pixels and images. Each lane adds up its own images; the lanes are added last.

inline constexpr std::size_t tile_taps = registers == 32 ? 5 : 3;

/// sums[k * taps + t] += dy x over `rows` rows of dy: K channels, taps t0 .. t0 + Taps.
/// @param x the first pixel of those rows @param dy K x rows x Q registers
/// @param offsets distance of tap t from the first pixel of a window @param sums registers
template <std::size_t K, std::size_t Taps, class T> void add_weight_tile(const Correlation& c, const T* x, const T* dy,
                                                                         std::size_t rows, const std::size_t* offsets,
                                                                         T* sums, std::size_t taps) {
    const T* xs[Taps];
    for (std::size_t t = 0; t < Taps; ++t) { xs[t] = x + offsets[t]; }
    Vec<T> sum[K][Taps];
    for (std::size_t k = 0; k < K; ++k) {
        for (std::size_t t = 0; t < Taps; ++t) { sum[k][t] = Vec<T>::load_aligned(sums + (k * taps + t) * lanes<T>); }
    }
    const std::size_t channel = rows * c.Q * lanes<T>;
    for (std::size_t p = 0; p < rows; ++p) {
        std::size_t window = p * c.stride.h * c.frame.columns * lanes<T>;
        const T* d = dy + p * c.Q * lanes<T>;
        for (std::size_t q = 0; q < c.Q; ++q, window += c.stride.w * lanes<T>, d += lanes<T>) {
            Vec<T> dk[K];
            for (std::size_t k = 0; k < K; ++k) { dk[k] = Vec<T>::load_aligned(d + k * channel); }
            for (std::size_t t = 0; t < Taps; ++t) {
                const auto xt = Vec<T>::load_aligned(xs[t] + window);
                for (std::size_t k = 0; k < K; ++k) { sum[k][t] = multiply_add(dk[k], xt, sum[k][t]); }
            }
        }
    }
    for (std::size_t k = 0; k < K; ++k) {
        for (std::size_t t = 0; t < Taps; ++t) { sum[k][t].store_aligned(sums + (k * taps + t) * lanes<T>); }
    }
}

/// All taps of K channels for the rows p0 .. p0 + rows of dy.
template <std::size_t K, class T> void add_weight_rows(const Correlation& c, const T* x, const T* dy, std::size_t p0,
                                                       std::size_t rows, const std::size_t* offsets, T* sums) {
    const std::size_t taps = c.in * c.R * c.S;
    const Blocks blocks(taps, tile_taps);
    const T* start = x + p0 * c.stride.h * c.frame.columns * lanes<T>;
    for (std::size_t i = 0; i < blocks.count(); ++i) {
        const std::size_t t0 = blocks.begin(i);
        with_constant(blocks.size(i), [&](auto n) {
            if constexpr (n() <= tile_taps) {
                add_weight_tile<K, n()>(c, start, dy, rows, offsets + t0, sums + t0 * lanes<T>, taps);
            }
        });
    }
}

} // namespace handgrad::cpu::direct
