// linear, fast: OpenBLAS, or SIMD kernels for narrow or small matrices. Formulas: linear.hpp.

#include <algorithm>

#include "handgrad/ops/linear/linear.hpp"
#include "handgrad/tensor/block_matmul.hpp"
#include "handgrad/tensor/gemm.hpp"
#include "handgrad/tensor/narrow_matmul.hpp"
#include "handgrad/tensor/parallel_for.hpp"
#include "handgrad/tensor/scratch.hpp"

namespace handgrad {

using namespace cpu; // the SIMD kernels

namespace {

bool is_narrow(std::size_t n) { return 1 <= n && n <= narrow; }

/// Divides the `items` rows of the product of a (batch, in) and an (in, out) matrix, or of one of its gradients, into
/// at most 16 chunks; with more chunks OpenBLAS would copy the shared operand too often. A chunk takes at least about
/// 40 us, so that threads save more time than the transfer of weights and gradients between the caches of two cores
/// takes in every step. Narrow products wait for memory most of the time, so their chunks have fewer operations. If
/// there are several chunks, their number is even, so that two threads have equal shares.
Chunks chunks_of(std::size_t items, std::size_t batch, std::size_t in, std::size_t out) {
    const std::size_t chunk_flops = is_narrow(in) || is_narrow(out) ? 4'000'000 : 16'000'000;
    const std::size_t pairs = (2 * batch * in * out + chunk_flops) / (2 * chunk_flops); // rounded to the nearest
    const std::size_t count = std::clamp<std::size_t>(2 * pairs, 1, 16);
    return Chunks(items, (items + count - 1) / count, 8);
}

/// The transpose of w, in this thread's scratch memory: in tiles, so that both are read and written along their rows.
template <class T> const T* transposed(MatrixView<const T> w) {
    T* result = scratch<T, struct Transposed>(w.rows * w.columns);
    constexpr std::size_t side = 16;
    T tile[side][side];
    for (std::size_t i = 0; i < w.rows; i += side) {
        const std::size_t rows = std::min(side, w.rows - i);
        for (std::size_t j = 0; j < w.columns; j += side) {
            const std::size_t columns = std::min(side, w.columns - j);
            for (std::size_t r = 0; r < rows; ++r) {
                for (std::size_t c = 0; c < columns; ++c) { tile[c][r] = w(i + r, j + c); }
            }
            for (std::size_t c = 0; c < columns; ++c) { std::copy_n(tile[c], rows, result + (j + c) * w.rows + i); }
        }
    }
    return result;
}

/// Whether a gradient of a (batch, in) x (in, out) product is computed by block_matmul where OpenBLAS would copy both
/// operands. A small product is over before the copy of its operand in another order has paid off.
bool is_large(std::size_t batch, std::size_t in, std::size_t out) { return fuses && batch * in * out >= 6'000'000; }

/// Whether a product of one row with a weight of n numbers, or its dx, reads the weight in its order in memory. The time
/// is that of the memory: OpenBLAS and block_matmul would read the numbers more than once, or in a worse order.
template <class T> bool is_row(std::size_t batch, std::size_t in, std::size_t out) {
    return fuses && batch == 1 && !is_narrow(in) && !is_narrow(out) && in * out * sizeof(T) > (std::size_t(1) << 19);
}

/// Divides the columns or rows of such a weight, 1 MB in a chunk.
template <class T> Chunks chunks_of_row(std::size_t items, std::size_t in, std::size_t out) {
    const std::size_t count = std::max<std::size_t>(1, in * out * sizeof(T) >> 20);
    return Chunks(items, (items + count - 1) / count, 64);
}

/// y += x w for one row: n columns of w, which has `stride` of them. Every sum has the order of block_matmul.
template <class T>
void add_row_product(const T* x, const T* w, T* y, std::size_t k, std::size_t n, std::size_t stride) {
    constexpr std::size_t most = 4; // rows of w at once
    for (std::size_t i = 0; i < k; i += most) {
        const std::size_t rows = std::min(most, k - i);
        const T* wi = w + i * stride;
        std::size_t j = 0;
        for (; rows == most && j + lanes<T> <= n; j += lanes<T>) {
            Vec<T> sum = Vec<T>::load_unaligned(y + j);
            for (std::size_t r = 0; r < most; ++r) {
                sum = multiply_add(Vec<T>(x[i + r]), Vec<T>::load_unaligned(wi + r * stride + j), sum);
            }
            sum.store_unaligned(y + j);
        }
        for (; j < n; ++j) {
            for (std::size_t r = 0; r < rows; ++r) { y[j] = multiply_add(x[i + r], wi[r * stride + j], y[j]); }
        }
    }
}

/// n zeros, in this thread's scratch memory.
template <class T> const T* zero_row(std::size_t n) {
    T* zeros = scratch<T, struct Zeros>(n);
    std::fill_n(zeros, n, T(0));
    return zeros;
}

} // namespace

template <> template <class T> void LinearKernels<OnCpu>::forward(MatrixView<const T> x, MatrixView<const T> w,
                                                                  VectorView<const T> b, MatrixView<T> y) {
    const std::size_t batch = x.rows, in = w.rows, out = w.columns;
    if (is_row<T>(batch, in, out)) {
        const Chunks columns = chunks_of_row<T>(out, in, out);
        return parallel_for(columns.count, [&](std::size_t i) {
            const std::size_t first = columns.begin(i), count = columns.length(i);
            std::copy_n(b.data + first, count, y.data + first);
            add_row_product(x.data, w.data + first, y.data + first, in, count, out);
        });
    }
    const Chunks chunks = chunks_of(batch, batch, in, out);
    const T* wt = !is_narrow(in) && is_narrow(out) ? transposed(w) : nullptr;
    parallel_for(chunks.count, [&](std::size_t i) {
        const std::size_t rows = chunks.length(i);
        const T* xi = x.data + chunks.begin(i) * in;
        T* yi = y.data + chunks.begin(i) * out;
        if (is_narrow(in)) {
            with_constant(in, [&](auto k) { narrow_inner<k()>(xi, w.data, b.data, yi, rows, out); });
        } else if (wt) {
            with_constant(out, [&](auto n) { narrow_outer<n()>(xi, wt, b.data, yi, rows, in); });
        } else if (suits_block_matmul<T>(in, out)) {
            block_matmul(Strided<T>{xi, in, 1}, w.data, b.data, yi, rows, in, out);
        } else {
            for (std::size_t n = 0; n < rows; ++n) { std::copy_n(b.data, out, yi + n * out); }
            gemm(CblasNoTrans, CblasNoTrans, rows, out, in, T(1), xi, in, w.data, out, T(1), yi, out);
        }
    });
}

template <> template <class T>
void LinearKernels<OnCpu>::backward_input(MatrixView<const T> dy, MatrixView<const T> w, MatrixView<T> dx) {
    const std::size_t batch = dy.rows, in = w.rows, out = w.columns;
    if (is_row<T>(batch, in, out)) {
        const Chunks rows = chunks_of_row<T>(in, in, out);
        return parallel_for(rows.count, [&](std::size_t i) {
            for (std::size_t d = rows.begin(i), end = d + rows.length(i); d < end; d += narrow) {
                const T* no_bias = nullptr;
                with_constant(std::min(narrow, end - d), [&](auto n) {
                    narrow_outer<n()>(dy.data, w.data + d * out, no_bias, dx.data + d, 1, out);
                });
            }
        });
    }
    const Chunks chunks = chunks_of(batch, batch, in, out);
    const bool in_blocks = is_large(batch, in, out) && suits_block_matmul<T>(out, in) && !is_narrow(out);
    const T* wt = is_narrow(out) || in_blocks ? transposed(w) : nullptr;
    const T* from_zero = in_blocks ? zero_row<T>(in) : nullptr;
    parallel_for(chunks.count, [&](std::size_t i) {
        const std::size_t rows = chunks.length(i);
        const T* dyi = dy.data + chunks.begin(i) * out;
        T* dxi = dx.data + chunks.begin(i) * in;
        const T* no_bias = nullptr;
        if (in_blocks) {
            block_matmul(Strided<T>{dyi, out, 1}, wt, from_zero, dxi, rows, out, in);
        } else if (wt) {
            with_constant(out, [&](auto k) { narrow_inner<k()>(dyi, wt, no_bias, dxi, rows, in); });
        } else if (is_narrow(in)) {
            with_constant(in, [&](auto n) { narrow_outer<n()>(dyi, w.data, no_bias, dxi, rows, out); });
        } else {
            gemm(CblasNoTrans, CblasTrans, rows, in, out, T(1), dyi, out, w.data, out, T(0), dxi, in);
        }
    });
}

template <> template <class T> void LinearKernels<OnCpu>::backward_weight(MatrixView<const T> x, MatrixView<const T> dy,
                                                                          MatrixView<T> dw, Accumulate mode) {
    const std::size_t batch = x.rows, in = dw.rows, out = dw.columns;
    const bool add = mode == Accumulate::yes;
    if (is_narrow(in) || is_narrow(out)) {
        // The product of the narrow and the wide matrix, summed over the batch: narrow x wide.
        const bool narrow_in = is_narrow(in);
        T* sums = scratch<T, struct Sums>(in * out);
        const MatrixView<const T> a = narrow_in ? x : dy, b = narrow_in ? dy : x;
        with_constant(a.columns, [&](auto p) { narrow_batch_sum<p()>(a.data, b.data, sums, batch, b.columns); });
        for (std::size_t d = 0; d < in; ++d) {
            for (std::size_t k = 0; k < out; ++k) {
                const T sum = narrow_in ? sums[d * out + k] : sums[k * in + d];
                dw(d, k) = add ? dw(d, k) + sum : sum;
            }
        }
        return;
    }
    // Chunks of rows of dw, not of the batch: there are no sums across threads.
    const Chunks chunks = chunks_of(in, batch, in, out);
    const T* from_zero = add ? nullptr : zero_row<T>(out);
    parallel_for(chunks.count, [&](std::size_t i) {
        const std::size_t begin = chunks.begin(i), rows = chunks.length(i);
        const T* xi = x.data + begin;
        T* dwi = dw.data + begin * out;
        if (suits_block_matmul<T>(batch, out)) {
            block_matmul(Strided<T>{xi, 1, in}, dy.data, from_zero, dwi, rows, batch, out);
        } else if (is_large(batch, in, out) && out >= lanes<T>) {
            // One part of the batch after another, each of which fits into the cache.
            const std::size_t part = std::max<std::size_t>(64, (std::size_t(1) << 18) / (out * sizeof(T)));
            for (std::size_t n = 0; n < batch; n += part) {
                block_matmul(Strided<T>{xi + n * in, 1, in}, dy.data + n * out, n == 0 ? from_zero : nullptr, dwi, rows,
                             std::min(part, batch - n), out);
            }
        } else {
            gemm(CblasTrans, CblasNoTrans, rows, out, batch, T(1), xi, in, dy.data, out, T(add ? 1 : 0), dwi, out);
        }
    });
}

template <> template <class T>
void LinearKernels<OnCpu>::backward_bias(MatrixView<const T> dy, VectorView<T> db, Accumulate mode) {
    T* sums = scratch<T, struct Sums>(db.size);
    column_sums(dy.data, sums, dy.rows, db.size);
    for (std::size_t k = 0; k < db.size; ++k) { db(k) = mode == Accumulate::yes ? db(k) + sums[k] : sums[k]; }
}

HANDGRAD_INSTANTIATE_KERNEL(LinearKernels<OnCpu>::forward)
HANDGRAD_INSTANTIATE_KERNEL(LinearKernels<OnCpu>::backward_input)
HANDGRAD_INSTANTIATE_KERNEL(LinearKernels<OnCpu>::backward_weight)
HANDGRAD_INSTANTIATE_KERNEL(LinearKernels<OnCpu>::backward_bias)

} // namespace handgrad
