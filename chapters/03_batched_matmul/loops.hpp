#pragma once
// Three nested loops, in two orders and with tiles. All matrices are row-major: `a` is N x D, `b`
// is D x K, and `c = a b` is N x K. The index n counts rows of `a` and `c`, i rows of `b`, and k
// columns of `b` and `c`. Entry (i, k) of `b` lies at `i * K + k`.

#include <algorithm>
#include <cstddef>

// ### The definition: nki
//
// $c_{nk} = \sum_i a_{ni} b_{ik}$, as it stands. The innermost loop runs down a column of `b`, so
// each step jumps over a whole row of it. And each addition has to wait for the one before: they
// all go into the same `sum`, and the compiler may not add in another order, since that would
// change the rounding errors.
template <class T> void multiply_nki(const T* a, const T* b, T* c,
                                     std::size_t N, std::size_t D,
                                     std::size_t K) {
    for (std::size_t n = 0; n < N; ++n) {
        for (std::size_t k = 0; k < K; ++k) {
            T sum(0);
            for (std::size_t i = 0; i < D; ++i) {
                sum += a[n * D + i] * b[i * K + k];
            }
            c[n * K + k] = sum;
        }
    }
}

// ### The same sums in another order of loops: nik
//
// Row n of `c` is a sum of rows of `b`, $c_n = \sum_i a_{ni} b_i$. The innermost loop now runs
// along a row of `b` and a row of `c`. Its steps go from neighbour to neighbour in memory and do
// not depend on each other, so the compiler turns the loop into SIMD instructions. For each entry
// of `c` the terms are still added in the order i = 0, 1, 2, ..., so not one bit changes.
template <class T> void multiply_nik(const T* a, const T* b, T* c,
                                     std::size_t N, std::size_t D,
                                     std::size_t K) {
    std::fill(c, c + N * K, T(0));
    for (std::size_t n = 0; n < N; ++n) {
        for (std::size_t i = 0; i < D; ++i) {
            const T a_ni = a[n * D + i];
            for (std::size_t k = 0; k < K; ++k) {
                c[n * K + k] += a_ni * b[i * K + k];
            }
        }
    }
}

// ### Tiles
//
// For each n the loops above read all of `b`. Once `b` is larger than the cache, it comes from
// further away every time. So we divide `b` into tiles that fit into the second-level cache (64 x
// 512 floats are 128 KiB), and use a tile for all rows n before we load the next one. The tiles of
// one column come in ascending order of i, so again the bits are those of the definition.
template <class T> void multiply_tiled(const T* a, const T* b, T* c,
                                       std::size_t N, std::size_t D,
                                       std::size_t K) {
    constexpr std::size_t tile_rows = 64, tile_columns = 2048 / sizeof(T);
    std::fill(c, c + N * K, T(0));
    for (std::size_t k0 = 0; k0 < K; k0 += tile_columns) {
        const std::size_t k1 = std::min(k0 + tile_columns, K);
        for (std::size_t i0 = 0; i0 < D; i0 += tile_rows) {
            const std::size_t i1 = std::min(i0 + tile_rows, D);
            for (std::size_t n = 0; n < N; ++n) {
                for (std::size_t i = i0; i < i1; ++i) {
                    const T a_ni = a[n * D + i];
                    for (std::size_t k = k0; k < k1; ++k) {
                        c[n * K + k] += a_ni * b[i * K + k];
                    }
                }
            }
        }
    }
}
