#pragma once
// The matrix product of layers whose weight fits into the second-level cache, as in all networks of this book. OpenBLAS
// first copies (packs) both operands into an order of its own, which saves time for large matrices. The matrices here
// are read from the cache only a few times, and packing would take a quarter of the time of the product.
//
// The kernel keeps a block of the result in registers while the sum runs. Each step reads one or two registers of a row
// of b and one number of each row of a. Every entry of the result is the same chain of fused multiply-adds, in the same
// order, in any block. The division into blocks therefore does not change a bit.

#include <algorithm>
#include <cstddef>

#include "handgrad/tensor/narrow_matmul.hpp"
#include "handgrad/tensor/simd.hpp"

namespace handgrad::cpu {

/// A matrix in memory, with entry (i, k) at data[i * row + k * column]. Exchanging the two strides transposes it.
template <class T> struct Strided {
    const T* data;
    std::size_t row, column;
};

/// The distances between two rows of b and of c.
struct RowStrides {
    std::size_t b, c;
};

/// Whether block_matmul is faster than OpenBLAS for a b of k x n. A build without -march=native has only SSE2 on x86,
/// whereas OpenBLAS chooses its kernels for the processor at run time: then OpenBLAS is faster. If k is 0, b may be
/// null, and block_matmul must not be called.
template <class T> bool suits_block_matmul(std::size_t k, std::size_t n) {
    return fuses && k > 0 && n >= lanes<T> && k * n * sizeof(T) <= (std::size_t(1) << 19);
}

namespace detail {

#if defined(__AVX512F__) || defined(__aarch64__)
inline constexpr std::size_t block_rows = 12; // 12 x 2 sums, 2 of b, 1 of a: 27 of 32 registers
#else
inline constexpr std::size_t block_rows = 6; // 6 x 2 sums, 2 of b, 1 of a: 15 of 16 registers
#endif

/// A block of the result, M rows and R registers of columns: c = bias + a b, or c += a b. If `skip` is not 0, the block
/// overlaps a block that is already computed, and writes only lanes `skip` and above of each register.
template <std::size_t M, std::size_t R, class T>
void block(Strided<T> a, const T* b, const T* bias, T* c, std::size_t k, RowStrides rows, std::size_t skip) {
    Vec<T> sum[M][R];
    // The lines of c come to the cache while a long sum runs; the stores at its end would wait for them.
    for (std::size_t i = 0; i < M && k >= 64; ++i) {
        for (std::size_t r = 0; r < R; ++r) { __builtin_prefetch(c + i * rows.c + r * lanes<T>, 1); }
    }
    for (std::size_t r = 0; r < R; ++r) {
        const auto start = bias ? Vec<T>::load_unaligned(bias + r * lanes<T>) : Vec<T>(0);
        for (std::size_t i = 0; i < M; ++i) { sum[i][r] = start; }
    }
    for (std::size_t p = 0; p < k; ++p) {
        Vec<T> bp[R];
        for (std::size_t r = 0; r < R; ++r) { bp[r] = Vec<T>::load_unaligned(b + p * rows.b + r * lanes<T>); }
        for (std::size_t i = 0; i < M; ++i) {
            const Vec<T> ai(a.data[i * a.row + p * a.column]);
            for (std::size_t r = 0; r < R; ++r) { sum[i][r] = multiply_add(ai, bp[r], sum[i][r]); }
        }
    }
    for (std::size_t i = 0; i < M; ++i) {
        for (std::size_t r = 0; r < R; ++r) {
            T* ci = c + i * rows.c + r * lanes<T>;
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

/// All rows of one or two registers of columns, in the smallest number of blocks, of about equal numbers of rows.
template <std::size_t R, class T> void columns(Strided<T> a, const T* b, const T* bias, T* c, std::size_t m,
                                               std::size_t k, RowStrides rows, std::size_t skip) {
    const std::size_t blocks = (m + block_rows - 1) / block_rows;
    std::size_t i = 0;
    const auto all_blocks = [&](std::size_t count, std::size_t size) {
        if (count == 0) { return; }
        with_constant<block_rows>(size, [&](auto constant) {
            for (const std::size_t end = i + count * size; i < end; i += size) {
                const Strided<T> ai{a.data + i * a.row, a.row, a.column};
                block<constant(), R>(ai, b, bias, c + i * rows.c, k, rows, skip);
            }
        });
    };
    const std::size_t larger = m % blocks; // number of blocks with one row more
    all_blocks(larger, m / blocks + 1);
    all_blocks(blocks - larger, m / blocks);
}

} // namespace detail

/// c (m x n) = a b + bias, with bias added to every row; or c += a b if bias is null. a is m x k, b is k x n, b and c
/// are row-major with `rows.b` and `rows.c` numbers from one row to the next, and n >= lanes<T>.
template <class T> void block_matmul(Strided<T> a, const T* b, const T* bias, T* c, std::size_t m, std::size_t k,
                                     std::size_t n, RowStrides rows) {
    const auto at = [&](std::size_t j) { return bias ? bias + j : nullptr; };
    std::size_t j = 0;
    for (; j + 2 * lanes<T> <= n; j += 2 * lanes<T>) { detail::columns<2>(a, b + j, at(j), c + j, m, k, rows, 0); }
    for (; j + lanes<T> <= n; j += lanes<T>) { detail::columns<1>(a, b + j, at(j), c + j, m, k, rows, 0); }
    if (j < n) {
        const std::size_t last = n - lanes<T>;
        detail::columns<1>(a, b + last, at(last), c + last, m, k, rows, j - last);
    }
}

/// The same for b and c without gaps between their rows.
template <class T>
void block_matmul(Strided<T> a, const T* b, const T* bias, T* c, std::size_t m, std::size_t k, std::size_t n) {
    block_matmul(a, b, bias, c, m, k, n, {n, n});
}

} // namespace handgrad::cpu
