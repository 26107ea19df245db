#pragma once
// Matrix products in which one extent is at most 8, as in the networks for the spiral, with 2 inputs and 3 classes. For
// these OpenBLAS spends most of its time packing. All matrices are row-major.

#include <cstddef>
#include <utility>

#include "handgrad/tensor/simd.hpp"

namespace handgrad::cpu {

inline constexpr std::size_t narrow = 8; ///< largest extent of a narrow matrix

/// Calls f with an integral constant equal to n, 1 <= n <= most, so that the compiler unrolls loops over n.
template <std::size_t most = narrow, std::size_t N = 1, class F> void with_constant(std::size_t n, const F& f) {
    if constexpr (N < most) {
        if (n != N) { return with_constant<most, N + 1>(n, f); }
    }
    f(std::integral_constant<std::size_t, N>{});
}

/// y (m x n) = x (m x K) w (K x n) + b. b may be null. A register holds neighbours in a row of w and y.
template <std::size_t K, class T>
void narrow_inner(const T* x, const T* w, const T* b, T* y, std::size_t m, std::size_t n) {
    for (std::size_t i = 0; i < m; ++i, x += K, y += n) {
        const auto at = [&](std::size_t j) {
            Vec<T> sum = b ? Vec<T>::load_unaligned(b + j) : Vec<T>(0);
            for (std::size_t k = 0; k < K; ++k) {
                sum = multiply_add(Vec<T>(x[k]), Vec<T>::load_unaligned(w + k * n + j), sum);
            }
            sum.store_unaligned(y + j);
        };
        if (n >= lanes<T>) {
            for (std::size_t j = 0; j + lanes<T> <= n; j += lanes<T>) { at(j); }
            if (n % lanes<T> != 0) { at(n - lanes<T>); } // overlaps the last one, with the same values
        } else {
            for (std::size_t j = 0; j < n; ++j) {
                T sum = b ? b[j] : T(0);
                for (std::size_t k = 0; k < K; ++k) { sum = multiply_add(x[k], w[k * n + j], sum); }
                y[j] = sum;
            }
        }
    }
}

/// `rows` rows of narrow_outer at once: each register of w is loaded once for all of them.
template <std::size_t N, std::size_t rows, class T>
void narrow_outer_rows(const T* x, const T* w, const T* b, T* y, std::size_t k) {
    Vec<T> sum[rows][N];
    for (auto& row : sum) {
        for (auto& v : row) { v = Vec<T>(0); }
    }
    const auto add = [&](std::size_t d, const auto& keep) { // products of the columns d .. d + lanes - 1
        Vec<T> wd[N];
        for (std::size_t j = 0; j < N; ++j) { wd[j] = keep(Vec<T>::load_unaligned(w + j * k + d)); }
        for (std::size_t i = 0; i < rows; ++i) {
            const Vec<T> xd = keep(Vec<T>::load_unaligned(x + i * k + d));
            for (std::size_t j = 0; j < N; ++j) { sum[i][j] = multiply_add(xd, wd[j], sum[i][j]); }
        }
    };
    std::size_t d = 0;
    for (; d + lanes<T> <= k; d += lanes<T>) {
        add(d, [](auto v) { return v; });
    }
    std::size_t rest = d; // first of the columns that are added one by one
    if (d < k && k >= lanes<T>) {
        // The last register overlaps the previous one: products that are already in the sum count as zero.
        T numbers[lanes<T>];
        for (std::size_t l = 0; l < lanes<T>; ++l) { numbers[l] = static_cast<T>(l); }
        const auto is_new = Vec<T>::load_unaligned(numbers) >= Vec<T>(static_cast<T>(d - (k - lanes<T>)));
        add(k - lanes<T>, [&](auto v) { return xsimd::select(is_new, v, Vec<T>(0)); });
        rest = k;
    }
    for (std::size_t i = 0; i < rows; ++i) {
        for (std::size_t j = 0; j < N; ++j) {
            T total = lane_sum(sum[i][j]) + (b ? b[j] : T(0));
            for (std::size_t t = rest; t < k; ++t) { total = multiply_add(x[i * k + t], w[j * k + t], total); }
            y[i * N + j] = total;
        }
    }
}

/// y (m x N) = x (m x k) w^T + b. w is N x k, so both operands are read along their rows. b may be null.
template <std::size_t N, class T>
void narrow_outer(const T* x, const T* w, const T* b, T* y, std::size_t m, std::size_t k) {
    constexpr std::size_t rows = N <= 3 ? 4 : 2;
    std::size_t i = 0;
    for (; i + rows <= m; i += rows) { narrow_outer_rows<N, rows>(x + i * k, w, b, y + i * N, k); }
    for (; i < m; ++i) { narrow_outer_rows<N, 1>(x + i * k, w, b, y + i * N, k); }
}

/// c (P x n) = a^T b for a (m x P) and b (m x n): the sum over the batch in the gradient of a weight. The sums stay in
/// registers while the loop runs over the batch.
template <std::size_t P, class T> void narrow_batch_sum(const T* a, const T* b, T* c, std::size_t m, std::size_t n) {
    const auto block = [&](std::size_t j, auto registers) { // columns j .. j + registers * lanes - 1
        constexpr std::size_t R = decltype(registers)::value;
        Vec<T> sum[P][R];
        for (auto& row : sum) {
            for (auto& v : row) { v = Vec<T>(0); }
        }
        for (std::size_t i = 0; i < m; ++i) {
            for (std::size_t r = 0; r < R; ++r) {
                const auto bi = Vec<T>::load_unaligned(b + i * n + j + r * lanes<T>);
                for (std::size_t p = 0; p < P; ++p) { sum[p][r] = multiply_add(Vec<T>(a[i * P + p]), bi, sum[p][r]); }
            }
        }
        for (std::size_t p = 0; p < P; ++p) {
            for (std::size_t r = 0; r < R; ++r) { sum[p][r].store_unaligned(c + p * n + j + r * lanes<T>); }
        }
    };
    constexpr std::size_t R = P <= 4 ? 4 : 2;
    std::size_t j = 0;
    for (; j + R * lanes<T> <= n; j += R * lanes<T>) { block(j, std::integral_constant<std::size_t, R>{}); }
    for (; j + lanes<T> <= n; j += lanes<T>) { block(j, std::integral_constant<std::size_t, 1>{}); }
    if (j < n && n >= lanes<T>) {
        block(n - lanes<T>, std::integral_constant<std::size_t, 1>{});
    } else {
        for (; j < n; ++j) {
            for (std::size_t p = 0; p < P; ++p) {
                T sum(0);
                for (std::size_t i = 0; i < m; ++i) { sum = multiply_add(a[i * P + p], b[i * n + j], sum); }
                c[p * n + j] = sum;
            }
        }
    }
}

/// c_j = sum over i of b_ij for b (m x n): the gradient of a bias. The sums stay in registers while the loop runs over
/// the batch.
template <class T> void column_sums(const T* b, T* c, std::size_t m, std::size_t n) {
    const auto block = [&](std::size_t j, auto registers) {
        constexpr std::size_t R = decltype(registers)::value;
        Vec<T> sum[R];
        for (auto& v : sum) { v = Vec<T>(0); }
        for (std::size_t i = 0; i < m; ++i) {
            for (std::size_t r = 0; r < R; ++r) { sum[r] += Vec<T>::load_unaligned(b + i * n + j + r * lanes<T>); }
        }
        for (std::size_t r = 0; r < R; ++r) { sum[r].store_unaligned(c + j + r * lanes<T>); }
    };
    std::size_t j = 0;
    for (; j + 8 * lanes<T> <= n; j += 8 * lanes<T>) { block(j, std::integral_constant<std::size_t, 8>{}); }
    for (; j + lanes<T> <= n; j += lanes<T>) { block(j, std::integral_constant<std::size_t, 1>{}); }
    for (; j < n; ++j) {
        c[j] = T(0);
        for (std::size_t i = 0; i < m; ++i) { c[j] += b[i * n + j]; }
    }
}

} // namespace handgrad::cpu
