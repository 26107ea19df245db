#pragma once
// The matrix product of layers whose weight fits into the second-level cache, as those of this book do. OpenBLAS copies
// both operands into an order of its own first, which pays when they are large; here, where each is read from the cache
// only a few times, it costs a quarter of the product.
//
// A block of the result is held in registers while the sum runs: each step takes one row piece of b and one number of
// each row of a. Every entry is the same chain of fused multiply-adds, in order, whatever block it falls into; so how
// the work is cut does not change a bit.

#include <algorithm>
#include <cstddef>

#include "handgrad/tensor/simd.hpp"

namespace handgrad::cpu {

/// A matrix in memory, entry (i, k) at data[i * row + k * column]. A transpose is one with the two exchanged.
template <class T> struct Strided {
    const T* data;
    std::size_t row, column;
};

/// Whether block_matmul is the one to take for b of k x n. A build without -march=native has only SSE2 on x86, whereas
/// OpenBLAS looks at the processor when it starts: then it is faster. Without rows b has no address to count from.
template <class T> bool suits_block_matmul(std::size_t k, std::size_t n) {
    return fuses && k > 0 && n >= lanes<T> && k * n * sizeof(T) <= (std::size_t(1) << 19);
}

namespace detail {

#if defined(__AVX512F__) || defined(__aarch64__)
inline constexpr std::size_t block_rows = 12; // 12 x 2 sums, 2 of b, 1 of a: 27 of 32 registers
#else
inline constexpr std::size_t block_rows = 6; // 6 x 2 sums, 2 of b, 1 of a: 15 of 16 registers
#endif

/// Rows i .. i + M and `R` registers of columns from j: c = bias + a b, or c += a b. Of the last `skip` lanes' worth of
/// columns only those behind the first `skip` are written: they overlap a block that is done already.
template <std::size_t M, std::size_t R, class T>
void block(Strided<T> a, const T* b, const T* bias, T* c, std::size_t k, std::size_t n, std::size_t skip) {
    Vec<T> sum[M][R];
    for (std::size_t r = 0; r < R; ++r) {
        const auto start = bias ? Vec<T>::load_unaligned(bias + r * lanes<T>) : Vec<T>(0);
        for (std::size_t i = 0; i < M; ++i) { sum[i][r] = start; }
    }
    for (std::size_t p = 0; p < k; ++p) {
        Vec<T> bp[R];
        for (std::size_t r = 0; r < R; ++r) { bp[r] = Vec<T>::load_unaligned(b + p * n + r * lanes<T>); }
        for (std::size_t i = 0; i < M; ++i) {
            const Vec<T> ai(a.data[i * a.row + p * a.column]);
            for (std::size_t r = 0; r < R; ++r) { sum[i][r] = multiply_add(ai, bp[r], sum[i][r]); }
        }
    }
    for (std::size_t i = 0; i < M; ++i) {
        for (std::size_t r = 0; r < R; ++r) {
            T* ci = c + i * n + r * lanes<T>;
            if (skip == 0) {
                (bias ? sum[i][r] : Vec<T>::load_unaligned(ci) + sum[i][r]).store_unaligned(ci);
            } else {
                T buffer[lanes<T>];
                sum[i][r].store_unaligned(buffer);
                for (std::size_t l = skip; l < lanes<T>; ++l) { ci[l] = bias ? buffer[l] : ci[l] + buffer[l]; }
            }
        }
    }
}

template <std::size_t R, class T> void columns(Strided<T> a, const T* b, const T* bias, T* c, std::size_t m,
                                               std::size_t k, std::size_t n, std::size_t skip) {
    std::size_t i = 0;
    const auto rest = [&] { return Strided<T>{a.data + i * a.row, a.row, a.column}; };
    for (; i + block_rows <= m; i += block_rows) { block<block_rows, R>(rest(), b, bias, c + i * n, k, n, skip); }
    for (; i + 4 <= m; i += 4) { block<4, R>(rest(), b, bias, c + i * n, k, n, skip); }
    for (; i < m; ++i) { block<1, R>(rest(), b, bias, c + i * n, k, n, skip); }
}

} // namespace detail

/// c (m x n) = a b + bias in every row, or, where bias is null, c += a b; a is m x k, b k x n and c row-major,
/// n >= lanes<T>.
template <class T>
void block_matmul(Strided<T> a, const T* b, const T* bias, T* c, std::size_t m, std::size_t k, std::size_t n) {
    const auto at = [&](std::size_t j) { return bias ? bias + j : nullptr; };
    std::size_t j = 0;
    for (; j + 2 * lanes<T> <= n; j += 2 * lanes<T>) { detail::columns<2>(a, b + j, at(j), c + j, m, k, n, 0); }
    for (; j + lanes<T> <= n; j += lanes<T>) { detail::columns<1>(a, b + j, at(j), c + j, m, k, n, 0); }
    if (j < n) {
        const std::size_t last = n - lanes<T>;
        detail::columns<1>(a, b + last, at(last), c + last, m, k, n, j - last);
    }
}

} // namespace handgrad::cpu
