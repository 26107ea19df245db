#pragma once
// Three nested loops, in two orders and with tiles. All matrices are row-major: `a` is M x K, `b` is K x N, and
// `c = a b` is M x N. Entry (i, j) of a matrix with N columns lies at `i * N + j`.

#include <algorithm>
#include <cstddef>

// ### The definition
//
// $c_{ij} = \sum_k a_{ik} b_{kj}$, as it stands. The innermost loop runs down a column of `b`, so each step jumps over
// a whole row of it. And each addition has to wait for the one before: they all go into the same `sum`, and the
// compiler may not add in another order, since that would change the rounding errors.
template <class T> void multiply_ijk(const T* a, const T* b, T* c, std::size_t M, std::size_t K, std::size_t N) {
    for (std::size_t i = 0; i < M; ++i) {
        for (std::size_t j = 0; j < N; ++j) {
            T sum(0);
            for (std::size_t k = 0; k < K; ++k) { sum += a[i * K + k] * b[k * N + j]; }
            c[i * N + j] = sum;
        }
    }
}

// ### The same sums in another order of loops
//
// Row i of `c` is a sum of rows of `b`, $c_i = \sum_k a_{ik} b_k$. The innermost loop now runs along a row of `b` and a
// row of `c`, neighbours in memory, and its steps do not depend on each other: the compiler turns it into SIMD
// instructions. For each entry the terms are still added in the order k = 0, 1, 2, ..., so not one bit changes.
template <class T> void multiply_ikj(const T* a, const T* b, T* c, std::size_t M, std::size_t K, std::size_t N) {
    std::fill(c, c + M * N, T(0));
    for (std::size_t i = 0; i < M; ++i) {
        for (std::size_t k = 0; k < K; ++k) {
            const T aik = a[i * K + k];
            for (std::size_t j = 0; j < N; ++j) { c[i * N + j] += aik * b[k * N + j]; }
        }
    }
}

// ### Tiles
//
// For each i the loops above read all of `b`. Once `b` is larger than the cache, it comes from further away every time.
// So we cut `b` into tiles that fit into the second-level cache (64 x 512 floats are 128 KiB), and do with a tile all
// that is to be done with it, for all i, before we take the next one. The tiles of one column come in ascending order of
// k, so again the bits are those of the definition.
template <class T> void multiply_tiled(const T* a, const T* b, T* c, std::size_t M, std::size_t K, std::size_t N) {
    constexpr std::size_t tile_rows = 64, tile_columns = 2048 / sizeof(T);
    std::fill(c, c + M * N, T(0));
    for (std::size_t j0 = 0; j0 < N; j0 += tile_columns) {
        const std::size_t j1 = std::min(j0 + tile_columns, N);
        for (std::size_t k0 = 0; k0 < K; k0 += tile_rows) {
            const std::size_t k1 = std::min(k0 + tile_rows, K);
            for (std::size_t i = 0; i < M; ++i) {
                for (std::size_t k = k0; k < k1; ++k) {
                    const T aik = a[i * K + k];
                    for (std::size_t j = j0; j < j1; ++j) { c[i * N + j] += aik * b[k * N + j]; }
                }
            }
        }
    }
}
