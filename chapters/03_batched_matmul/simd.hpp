#pragma once
// The product with SIMD registers, written out. The scheme is that of K. Goto and R. van de Geijn,
// "Anatomy of High-Performance Matrix Multiplication", ACM TOMS 34 (2008), without its outer
// levels.

#include <algorithm>
#include <cstddef>

#include <handgrad/tensor/tensor.hpp>

#include "registers.hpp"

// A tile of `c` has 6 rows and 2 registers in each row: 12 registers, each of which holds sums.
// With two registers for a row of `b` and one for an entry of `a` that makes 15, and every
// processor with AVX has 16.
//
// ![A tile of c in 12 registers: one step of the loop over i](register_tile.svg)
inline constexpr std::size_t rows = 6;

// The number of rows of `b` that are used at a time. 256 rows of two registers are 32 KiB at most
// and stay in the first-level cache.
inline constexpr std::size_t depth = 256;

// ### The micro-kernel
//
// Adds a (6 x D) times b (D x V registers) to a tile of `c`. The tile is loaded once, stays in
// registers for all D steps, and is stored once. Each step loads V registers of `b` and six entries
// of `a`, and does 6 V fused multiply-adds. None of these waits for another one of the same step.
//
// `a` is given by a pointer to each of its six rows. `b` is packed: its rows follow each other
// without a gap.
template <std::size_t V, class T>
void multiply_tile(const T* const (&a)[rows], const T* b, std::size_t D, T* c,
                   std::size_t c_columns) {
    constexpr std::size_t numbers = lanes<T>; // in a register
    Vec<T> sum[rows][V];
    for (std::size_t r = 0; r < rows; ++r) {
        for (std::size_t v = 0; v < V; ++v) {
            sum[r][v] = Vec<T>::load_unaligned(c + r * c_columns + v * numbers);
        }
    }
    for (std::size_t i = 0; i < D; ++i) {
        Vec<T> b_i[V];
        for (std::size_t v = 0; v < V; ++v) {
            b_i[v] = Vec<T>::load_aligned(b + (i * V + v) * numbers);
        }
        for (std::size_t r = 0; r < rows; ++r) {
            const Vec<T> a_ri(a[r][i]); // the same number in all lanes
            for (std::size_t v = 0; v < V; ++v) {
                sum[r][v] = multiply_add(a_ri, b_i[v], sum[r][v]);
            }
        }
    }
    for (std::size_t r = 0; r < rows; ++r) {
        for (std::size_t v = 0; v < V; ++v) {
            sum[r][v].store_unaligned(c + r * c_columns + v * numbers);
        }
    }
}

// ### A strip of columns
//
// A strip is a few neighbouring columns of `b` and `c`, V registers wide at most, for at most
// `depth` rows of `b`.
struct Strip {
    std::size_t i0, k0;  // its first row and its first column of b
    std::size_t rows;    // of b
    std::size_t columns; // of b and c
};

// Packs the strip of `b`: rows that are far apart in memory become neighbours, and missing columns
// become zeros. Packing costs one pass over the strip and pays off because all N rows of `a` use
// it.
template <class T> void pack(const T* b, std::size_t K, Strip strip,
                             std::size_t width, T* packed) {
    for (std::size_t i = 0; i < strip.rows; ++i) {
        const T* row = b + (strip.i0 + i) * K + strip.k0;
        T* to = packed + i * width;
        std::fill(std::copy(row, row + strip.columns, to), to + width, T(0));
    }
}

// Adds the product of `a` with the strip to the strip's columns of `c`, six rows at a time. At the
// lower and right edge a tile may stick out of `c`. Then the kernel works on a copy, and only the
// part inside `c` is copied back. Rows of `a` that do not exist are replaced by the last one.
template <std::size_t V, class T>
void multiply_strip(const T* a, const T* b, T* c, std::size_t N, std::size_t D,
                    std::size_t K, Strip strip, T* packed) {
    constexpr std::size_t width = V * lanes<T>;
    pack(b, K, strip, width, packed);
    for (std::size_t n0 = 0; n0 < N; n0 += rows) {
        const std::size_t m = std::min(rows, N - n0);
        const T* a_rows[rows];
        for (std::size_t r = 0; r < rows; ++r) {
            a_rows[r] = a + (n0 + std::min(r, m - 1)) * D + strip.i0;
        }
        T* tile = c + n0 * K + strip.k0;
        if (m == rows && strip.columns == width) {
            multiply_tile<V>(a_rows, packed, strip.rows, tile, K);
        } else {
            T copy[rows * width] = {};
            for (std::size_t r = 0; r < m; ++r) {
                std::copy_n(tile + r * K, strip.columns, copy + r * width);
            }
            multiply_tile<V>(a_rows, packed, strip.rows, copy, width);
            for (std::size_t r = 0; r < m; ++r) {
                std::copy_n(copy + r * width, strip.columns, tile + r * K);
            }
        }
    }
}

// ### The product
//
// The product is computed strip by strip. A last strip that fits into one register does not compute
// a second register full of zeros.
template <class T> void multiply_simd(const T* a, const T* b, T* c,
                                      std::size_t N, std::size_t D,
                                      std::size_t K) {
    constexpr std::size_t width = 2 * lanes<T>;
    // Aligned, and kept from call to call.
    thread_local auto packed = handgrad::zeros<T>({depth, width});
    std::fill(c, c + N * K, T(0));
    for (std::size_t i0 = 0; i0 < D; i0 += depth) {
        for (std::size_t k0 = 0; k0 < K; k0 += width) {
            const Strip strip{i0, k0, std::min(depth, D - i0),
                              std::min(width, K - k0)};
            if (strip.columns > lanes<T>) {
                multiply_strip<2>(a, b, c, N, D, K, strip, packed.data());
            } else {
                multiply_strip<1>(a, b, c, N, D, K, strip, packed.data());
            }
        }
    }
}
