// Attention, fast. A thread computes whole heads of a sequence, and a head in tiles: the scores of 24 tokens for all
// tokens that they see. They stay in the cache from the product of queries and keys to the product with the values.
// Keys and values are transposed first, so that every product reads whole registers. With the causal mask a tile leaves
// out the tokens that none of its tokens sees. Formulas: attention.hpp.

#include <algorithm>
#include <cmath>

#include "handgrad/ops/attention/attention.hpp"
#include "handgrad/tensor/block_matmul.hpp"
#include "handgrad/tensor/exp.hpp"
#include "handgrad/tensor/gemm.hpp"
#include "handgrad/tensor/parallel_for.hpp"
#include "handgrad/tensor/scratch.hpp"

namespace handgrad {

using namespace cpu; // the SIMD kernels

namespace {

constexpr std::size_t tile_rows = 24; ///< tokens in a tile: two blocks of block_matmul

template <class T> Vec<T> load(const T* x) { return Vec<T>::load_unaligned(x); }

template <class T> std::size_t whole_registers(std::size_t n) { return (n + lanes<T> - 1) / lanes<T> * lanes<T>; }

/// c (m x n) = a b, or c += a b. a is m x k, b is k x n; `zeros` are n zeros.
template <class T> void product(Strided<T> a, const T* b, T* c, std::size_t m, std::size_t k, std::size_t n,
                                RowStrides rows, const T* zeros, bool add = false) {
    if (suits_block_matmul<T>(k, n)) { return block_matmul(a, b, add ? nullptr : zeros, c, m, k, n, rows); }
    const bool is_transposed = a.column != 1;
    gemm(is_transposed ? CblasTrans : CblasNoTrans, CblasNoTrans, m, n, k, T(1), a.data,
         is_transposed ? a.column : a.row, b, rows.b, T(add ? 1 : 0), c, rows.c);
}

/// One head of one sequence: its columns of a tensor with `stride` numbers in a row.
template <class T> struct Columns {
    T* data;
    std::size_t stride;
    T* row(std::size_t t) const { return data + t * stride; }
};

/// A head's part of all tensors, and the tiles of its tokens.
template <class T> struct Head {
    const AttentionExtents& e;
    std::size_t first_row, first_column, in_registers; ///< row and column of the head in y; length of a row of scores
    MatrixView<const T> qkv;

    Head(const AttentionExtents& extents, MatrixView<const T> q_k_v, std::size_t number)
        : e(extents), first_row(number / e.heads * e.tokens), first_column(number % e.heads * e.features),
          in_registers(whole_registers<T>(e.tokens)), qkv(q_k_v) {}

    /// Of queries, keys and values: number 0, 1 and 2 of the three parts of qkv or of dqkv.
    template <class U> Columns<U> part(MatrixView<U> of, std::size_t number) const {
        return {&of(first_row, number * e.width() + first_column), of.columns};
    }
    /// Of y or dy.
    template <class U> Columns<U> result(MatrixView<U> of) const { return {&of(first_row, first_column), of.columns}; }

    /// The transpose of the keys or values times `factor`, D rows, filled up with zeros to whole registers.
    T* transposed(Columns<const T> x, T factor) const {
        T* xt = scratch<T, struct Transposed>(e.features * in_registers);
        for (std::size_t c = 0; c < e.features; ++c) {
            T* row = xt + c * in_registers;
            for (std::size_t s = 0; s < e.tokens; ++s) { row[s] = factor * x.row(s)[c]; }
            std::fill(row + e.tokens, row + in_registers, T(0));
        }
        return xt;
    }
    /// Zeros for the products: as many as a row of scores or of a value has.
    const T* zeros() const {
        const std::size_t n = std::max(in_registers, e.features);
        T* result = scratch<T, struct Zeros>(n);
        std::fill_n(result, n, T(0));
        return result;
    }
    /// Calls body(begin, rows, seen, length): the tokens begin .. begin + rows - 1 see the first `seen` tokens, whose
    /// scores fill `length` numbers.
    template <class Body> void for_each_tile(const Body& body) const {
        for (std::size_t begin = 0; begin < e.tokens; begin += tile_rows) {
            const std::size_t rows = std::min(tile_rows, e.tokens - begin), seen = e.visible(begin + rows - 1);
            body(begin, rows, seen, whole_registers<T>(seen));
        }
    }
};

/// Softmax of the first `visible` of `length` scores, in place; the rest becomes 0.
template <class T> void softmax_in_place(T* z, std::size_t visible, std::size_t length) {
    std::fill(z + visible, z + length, z[0]); // keeps the maximum; the powers of -infinity would underflow, slowly
    Vec<T> largest = load(z);
    for (std::size_t s = lanes<T>; s < length; s += lanes<T>) { largest = xsimd::max(largest, load(z + s)); }
    T each[lanes<T>];
    largest.store_unaligned(each);
    for (std::size_t half = lanes<T> / 2; half > 0; half /= 2) {
        for (std::size_t l = 0; l < half; ++l) { each[l] = std::max(each[l], each[l + half]); }
    }
    const Vec<T> maximum(each[0]); // perhaps not the maximum if there is a NaN, whose power makes the whole row NaN
    for (std::size_t s = 0; s < length; s += lanes<T>) { vector_exp<T>(load(z + s) - maximum).store_unaligned(z + s); }
    std::fill(z + visible, z + length, T(0));
    Vec<T> sums(T(0));
    for (std::size_t s = 0; s < length; s += lanes<T>) { sums += load(z + s); }
    const Vec<T> factor(T(1) / lane_sum<T>(sums));
    for (std::size_t s = 0; s < length; s += lanes<T>) { (factor * load(z + s)).store_unaligned(z + s); }
}

/// A row of dp becomes a row of dz times `scale`, in place; p is 0 from `visible` on.
template <class T> void softmax_backward_in_place(const T* p, T* dp, std::size_t visible, std::size_t length, T scale) {
    std::fill(dp + visible, dp + length, T(0));
    Vec<T> sums(T(0));
    for (std::size_t s = 0; s < length; s += lanes<T>) { sums += load(p + s) * load(dp + s); }
    const Vec<T> mean(lane_sum<T>(sums)), factor(scale);
    for (std::size_t s = 0; s < length; s += lanes<T>) {
        (factor * load(p + s) * (load(dp + s) - mean)).store_unaligned(dp + s);
    }
}

/// Calls body(head) for all heads of all sequences. A token looks at `seen` tokens. A chunk has several heads where they
/// are small.
template <class Body> void for_each_head(const AttentionExtents& e, std::size_t seen, const Body& body) {
    const std::size_t operations = 4 * e.tokens * seen * e.features;
    const Chunks chunks(e.batch * e.heads, std::max<std::size_t>(1, 2'000'000 / std::max<std::size_t>(1, operations)));
    parallel_for(chunks.count, [&](std::size_t chunk) {
        for (std::size_t i = 0; i < chunks.length(chunk); ++i) { body(chunks.begin(chunk) + i); }
    });
}

/// sum += a factor x, n numbers, in the order of roundings of block_matmul: a row of a product of matrices is made of
/// such sums.
template <class T> void add_multiple(T a, T factor, const T* x, T* sum, std::size_t n) {
    std::size_t i = 0;
    for (; i + lanes<T> <= n; i += lanes<T>) {
        multiply_add(Vec<T>(a), Vec<T>(factor) * load(x + i), load(sum + i)).store_unaligned(sum + i);
    }
    for (; i < n; ++i) { sum[i] = multiply_add(a, factor * x[i], sum[i]); }
}

template <class T> T scale_of(const AttentionExtents& e) {
    return static_cast<T>(1 / std::sqrt(static_cast<double>(e.features)));
}

} // namespace

template <> template <class T> void AttentionKernels<OnCpu>::forward(const AttentionExtents& e, MatrixView<const T> qkv,
                                                                     ImagesView<T> p, MatrixView<T> y) {
    if (e.tokens == 0) { return; }
    for_each_head(e, e.tokens, [&](std::size_t number) {
        const Head<T> head(e, qkv, number);
        const auto q = head.part(qkv, 0), v = head.part(qkv, 2);
        const auto result = head.result(y);
        const std::size_t stride = head.in_registers, D = e.features;
        const T *zeros = head.zeros(), *keys = head.transposed(head.part(qkv, 1), scale_of<T>(e));
        T* z = scratch<T, struct Scores>(tile_rows * stride);
        head.for_each_tile([&](std::size_t begin, std::size_t rows, std::size_t seen, std::size_t length) {
            product(Strided<T>{q.row(begin), q.stride, 1}, keys, z, rows, D, length, {stride, stride}, zeros);
            for (std::size_t i = 0; i < rows; ++i) {
                softmax_in_place(z + i * stride, e.visible(begin + i), length);
                T* row = p.data + (number * e.tokens + begin + i) * e.tokens;
                std::fill(std::copy_n(z + i * stride, seen, row), row + e.tokens, T(0));
            }
            product(Strided<T>{z, stride, 1}, v.data, result.row(begin), rows, seen, D, {v.stride, result.stride},
                    zeros);
        });
    });
}

template <> template <class T> void AttentionKernels<OnCpu>::backward(const AttentionExtents& e,
                                                                      MatrixView<const T> qkv, ImagesView<const T> p,
                                                                      MatrixView<const T> dy, MatrixView<T> dqkv) {
    if (e.tokens == 0) { return; }
    for_each_head(e, e.tokens, [&](std::size_t number) {
        const Head<T> head(e, qkv, number);
        const auto q = head.part(qkv, 0), k = head.part(qkv, 1), upstream = head.result(dy);
        const auto dq = head.part(dqkv, 0), dk = head.part(dqkv, 1), dv = head.part(dqkv, 2);
        const std::size_t stride = head.in_registers, D = e.features;
        const T *zeros = head.zeros(), *values = head.transposed(head.part(qkv, 2), T(1));
        T *dz = scratch<T, struct Scores>(tile_rows * stride),
          *p_tile = scratch<T, struct Probabilities>(tile_rows * stride);
        for (std::size_t s = 0; s < e.tokens; ++s) {
            std::fill_n(dk.row(s), D, T(0));
            std::fill_n(dv.row(s), D, T(0));
        }
        head.for_each_tile([&](std::size_t begin, std::size_t rows, std::size_t seen, std::size_t length) {
            product(Strided<T>{upstream.row(begin), upstream.stride, 1}, values, dz, rows, D, length, {stride, stride},
                    zeros);
            for (std::size_t i = 0; i < rows; ++i) {
                T* row = p_tile + i * stride;
                const T* kept = p.data + (number * e.tokens + begin + i) * e.tokens;
                std::fill(std::copy_n(kept, seen, row), row + length, T(0));
                softmax_backward_in_place(row, dz + i * stride, e.visible(begin + i), length, scale_of<T>(e));
            }
            product(Strided<T>{dz, stride, 1}, k.data, dq.row(begin), rows, seen, D, {k.stride, dq.stride}, zeros);
            // The tile's part of dk and dv: the tiles follow each other in order, so the order of the sums is fixed.
            product(Strided<T>{dz, 1, stride}, q.row(begin), dk.data, seen, rows, D, {q.stride, dk.stride}, zeros,
                    true);
            product(Strided<T>{p_tile, 1, stride}, upstream.row(begin), dv.data, seen, rows, D,
                    {upstream.stride, dv.stride}, zeros, true);
        });
    });
}

template <> template <class T> void AttentionKernels<OnCpu>::append(const AttentionExtents& e, const KeptTokens& kept,
                                                                    MatrixView<const T> qkv, MatrixView<T> keys,
                                                                    MatrixView<T> values, MatrixView<T> y) {
    const std::size_t D = e.features, C = e.width();
    for_each_head(e, kept.past + e.tokens, [&](std::size_t number) {
        const std::size_t b = number / e.heads, first = number % e.heads * D; // the head's first column
        T* z = scratch<T, struct Scores>(whole_registers<T>(kept.length));
        for (std::size_t t = 0; t < e.tokens; ++t) {
            const std::size_t place = kept.past + t, seen = place + 1;
            const T* row = &qkv(b * e.tokens + t, first);
            std::copy_n(row + 2 * C, D, &values(b * kept.length + place, first));
            std::fill_n(z, seen, T(0));
            for (std::size_t c = 0; c < D; ++c) {
                T* key = &keys(b * C + first + c, 0); // this number of all keys
                key[place] = row[C + c];
                add_multiple(row[c], scale_of<T>(e), key, z, seen);
            }
            softmax_in_place(z, seen, whole_registers<T>(seen));
            T* result = &y(b * e.tokens + t, first);
            std::fill_n(result, D, T(0));
            for (std::size_t s = 0; s < seen; ++s) {
                add_multiple(z[s], T(1), &values(b * kept.length + s, first), result, D);
            }
        }
    });
}

HANDGRAD_INSTANTIATE_KERNEL(AttentionKernels<OnCpu>::forward)
HANDGRAD_INSTANTIATE_KERNEL(AttentionKernels<OnCpu>::backward)
HANDGRAD_INSTANTIATE_KERNEL(AttentionKernels<OnCpu>::append)

} // namespace handgrad
