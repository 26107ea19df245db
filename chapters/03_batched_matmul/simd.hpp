#pragma once
// The product with SIMD registers, written out. The scheme is that of K. Goto and R. van de Geijn, "Anatomy of
// High-Performance Matrix Multiplication", ACM TOMS 34 (2008), without its outer levels.

#include <algorithm>
#include <cstddef>

#include <handgrad/tensor/tensor.hpp>

#include "registers.hpp"

// A tile of `c` has 6 rows and 2 registers in each row: 12 registers, all of which are sums. With two for a row of `b`
// and one for an entry of `a` that makes 15, and every processor with AVX has 16.
inline constexpr std::size_t rows = 6;

// Rows of `b` that are dealt with at a time: 256 rows of two registers are 32 KiB at most and stay in the first-level
// cache.
inline constexpr std::size_t depth = 256;

// ### The micro-kernel
//
// Adds a (6 x K) times b (K x V registers) to a tile of `c`. The tile is loaded once, stays in registers for all K
// steps, and is stored once. Each step loads V registers of `b` and six entries of `a`, and does 6 V fused
// multiply-adds, none of which waits for another one of the same step.
//
// `a` is given by a pointer to each of its six rows; `b` is packed, so that its rows follow each other without a gap.
template <std::size_t V, class T>
void multiply_tile(const T* const (&a)[rows], const T* b, std::size_t K, T* c, std::size_t c_columns) {
    Vec<T> sum[rows][V];
    for (std::size_t r = 0; r < rows; ++r) {
        for (std::size_t v = 0; v < V; ++v) { sum[r][v] = Vec<T>::load_unaligned(c + r * c_columns + v * lanes<T>); }
    }
    for (std::size_t k = 0; k < K; ++k) {
        Vec<T> bk[V];
        for (std::size_t v = 0; v < V; ++v) { bk[v] = Vec<T>::load_aligned(b + (k * V + v) * lanes<T>); }
        for (std::size_t r = 0; r < rows; ++r) {
            const Vec<T> ark(a[r][k]); // the same number in all lanes
            for (std::size_t v = 0; v < V; ++v) { sum[r][v] = multiply_add(ark, bk[v], sum[r][v]); }
        }
    }
    for (std::size_t r = 0; r < rows; ++r) {
        for (std::size_t v = 0; v < V; ++v) { sum[r][v].store_unaligned(c + r * c_columns + v * lanes<T>); }
    }
}

// ### A strip of columns
//
// Does columns j0 .. j0 + n of `c`, n at most V registers, for rows k0 .. k0 + K_strip of `b`. First it packs that part
// of `b`: rows that are far apart in memory become neighbours, and missing columns become zeros. Packing costs one pass
// over the strip and pays off because all M rows of `a` meet it there.
//
// At the lower and right edge a tile may stick out of `c`. Then the kernel works on a copy, and only what is inside goes
// back; rows of `a` that do not exist are replaced by the last one.
template <std::size_t V, class T> void multiply_strip(const T* a, const T* b, T* c, std::size_t M, std::size_t K,
                                                      std::size_t N, std::size_t k0, std::size_t j0, std::size_t n,
                                                      T* packed) {
    constexpr std::size_t width = V * lanes<T>;
    const std::size_t K_strip = std::min(depth, K - k0);
    for (std::size_t k = 0; k < K_strip; ++k) {
        const T* row = b + (k0 + k) * N + j0;
        std::fill(std::copy(row, row + n, packed + k * width), packed + (k + 1) * width, T(0));
    }
    for (std::size_t i0 = 0; i0 < M; i0 += rows) {
        const std::size_t m = std::min(rows, M - i0);
        const T* a_rows[rows];
        for (std::size_t r = 0; r < rows; ++r) { a_rows[r] = a + (i0 + std::min(r, m - 1)) * K + k0; }
        T* tile = c + i0 * N + j0;
        if (m == rows && n == width) {
            multiply_tile<V>(a_rows, packed, K_strip, tile, N);
        } else {
            T copy[rows * width] = {};
            for (std::size_t r = 0; r < m; ++r) { std::copy_n(tile + r * N, n, copy + r * width); }
            multiply_tile<V>(a_rows, packed, K_strip, copy, width);
            for (std::size_t r = 0; r < m; ++r) { std::copy_n(copy + r * width, n, tile + r * N); }
        }
    }
}

// ### The product
//
// Strip after strip. A last strip that fits into one register does not compute a second one full of zeros.
template <class T> void multiply_simd(const T* a, const T* b, T* c, std::size_t M, std::size_t K, std::size_t N) {
    constexpr std::size_t width = 2 * lanes<T>;
    thread_local auto packed = handgrad::zeros<T>({depth, width}); // aligned, and kept from call to call
    std::fill(c, c + M * N, T(0));
    for (std::size_t k0 = 0; k0 < K; k0 += depth) {
        for (std::size_t j0 = 0; j0 < N; j0 += width) {
            const std::size_t n = std::min(width, N - j0);
            if (n > lanes<T>) {
                multiply_strip<2>(a, b, c, M, K, N, k0, j0, n, packed.data());
            } else {
                multiply_strip<1>(a, b, c, M, K, N, k0, j0, n, packed.data());
            }
        }
    }
}
