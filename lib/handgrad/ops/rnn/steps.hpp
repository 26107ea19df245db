#pragma once
// What the fast kernels of the recurrent operations share. A thread computes some sequences from the first step to the
// last, and the states of these sequences stay in the cache. The input's part of the scores does not depend on the
// state, so one product computes it for all steps before the first.

#include <algorithm>

#include "handgrad/tensor/block_matmul.hpp"
#include "handgrad/tensor/gemm.hpp"
#include "handgrad/tensor/parallel_for.hpp"
#include "handgrad/tensor/scratch.hpp"

namespace handgrad::cpu {

/// The sequences that one thread computes at a time: enough rows for block_matmul, few enough to share a mini-batch.
inline constexpr std::size_t sequences_at_once = 16;

/// c (m x n) = a (m x k) b (k x n) + bias, with bias added to every row; no matrix has gaps between its rows. With few
/// rows, as here, OpenBLAS would take longer to copy b than to multiply.
template <class T>
void step_product(const T* a, const T* b, const T* bias, T* c, std::size_t m, std::size_t k, std::size_t n) {
    if (fuses && k > 0 && n >= lanes<T>) { return block_matmul(Strided<T>{a, k, 1}, b, bias, c, m, k, n); }
    for (std::size_t i = 0; i < m; ++i) { std::copy_n(bias, n, c + i * n); }
    if (m == 0 || k == 0 || n == 0) { return; }
    gemm(CblasNoTrans, CblasNoTrans, m, n, k, T(1), a, k, b, n, T(1), c, n);
}

/// The transpose of w, and after it as many zeros as w has rows, in this thread's scratch memory: the operands of
/// dh = dz w_hh^T as a step_product.
template <class T> struct Transposed {
    const T *matrix, *zeros;
    explicit Transposed(MatrixView<const T> w) {
        T* numbers = scratch<T, struct TransposedWeight>(w.rows * w.columns + w.rows);
        constexpr std::size_t strip = 16; // columns of w, the rows of the result that are written at once
        for (std::size_t first = 0; first < w.columns; first += strip) {
            const std::size_t end = std::min(first + strip, w.columns);
            for (std::size_t i = 0; i < w.rows; ++i) {
                for (std::size_t j = first; j < end; ++j) { numbers[j * w.rows + i] = w(i, j); }
            }
        }
        std::fill_n(numbers + w.rows * w.columns, w.rows, T(0));
        matrix = numbers;
        zeros = numbers + w.rows * w.columns;
    }
};

/// Calls body(first, rows) for all parts of a batch: the sequences first .. first + rows - 1.
template <class Body> void for_each_part(std::size_t batch, const Body& body) {
    const Chunks chunks(batch, sequences_at_once);
    parallel_for(chunks.count, [&](std::size_t i) { body(chunks.begin(i), chunks.length(i)); });
}

/// Calls f(k, count) for the units k .. k + count - 1 that a register holds, for all n units. Only the last register
/// may be incomplete.
template <class T, class F> void for_each_register(std::size_t n, const F& f) {
    for (std::size_t k = 0; k < n; k += lanes<T>) { f(k, std::min(lanes<T>, n - k)); }
}

/// The first `count` lanes are numbers of x, the others 0.
template <class T> Vec<T> load_lanes(const T* x, std::size_t count) {
    if (count == lanes<T>) { return Vec<T>::load_unaligned(x); }
    T buffer[lanes<T>] = {};
    std::copy_n(x, count, buffer);
    return Vec<T>::load_unaligned(buffer);
}

/// Stores the first `count` lanes.
template <class T> void store_lanes(Vec<T> v, T* x, std::size_t count) {
    if (count == lanes<T>) { return v.store_unaligned(x); }
    T buffer[lanes<T>];
    v.store_unaligned(buffer);
    std::copy_n(buffer, count, x);
}

} // namespace handgrad::cpu
