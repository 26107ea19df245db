#include "handgrad/ops/linear/cpu.hpp"

#include <algorithm>

#include "handgrad/tensor/block_matmul.hpp"
#include "handgrad/tensor/gemm.hpp"
#include "handgrad/tensor/narrow_matmul.hpp"
#include "handgrad/tensor/parallel_for.hpp"

namespace handgrad::cpu {
namespace {

bool is_slim(std::size_t n) { return 1 <= n && n <= slim; }

/// Cuts the `items` rows of the product of a (batch, in) with an (in, out) matrix, or of one of its gradients, into at
/// most 16 chunks; more would have OpenBLAS copy the shared operand too often. A chunk takes some 100 us at least: what
/// threads save is then more than it costs to hand weights and gradients from one core's cache to another's at every
/// step. Slim products wait for memory most of the time, so they take as long with fewer operations.
Chunks cut(std::size_t items, std::size_t batch, std::size_t in, std::size_t out) {
    const std::size_t chunk_flops = is_slim(in) || is_slim(out) ? 4'000'000 : 16'000'000;
    const std::size_t count = std::clamp<std::size_t>(2 * batch * in * out / chunk_flops, 1, 16);
    return Chunks(items, (items + count - 1) / count, 8);
}

/// The transpose of w (rows x columns) in memory that is kept from call to call.
template <class T> const T* transposed(const Tensor<T>& w) {
    thread_local Tensor<T> memory;
    const std::size_t rows = w.shape(0), columns = w.shape(1);
    resize(memory, {columns, rows});
    for (std::size_t i = 0; i < rows; ++i) {
        for (std::size_t j = 0; j < columns; ++j) { memory.data()[j * rows + i] = w.data()[i * columns + j]; }
    }
    return memory.data();
}

/// n zeros, in memory that is kept from call to call.
template <class T> const T* zero_row(std::size_t n) {
    thread_local Tensor<T> memory;
    resize(memory, {n});
    memory.fill(T(0));
    return memory.data();
}

} // namespace

template <class T> void linear_forward(const Tensor<T>& x, const Tensor<T>& w, const Tensor<T>& b, Tensor<T>& y) {
    resize(y, check_linear_forward(x, w, b, y));
    const std::size_t batch = x.shape(0), in = w.shape(0), out = w.shape(1);
    const Chunks chunks = cut(batch, batch, in, out);
    const T* wt = !is_slim(in) && is_slim(out) ? transposed(w) : nullptr;
    parallel_for(chunks.count, [&](std::size_t i) {
        const std::size_t rows = chunks.length(i);
        const T* xi = x.data() + chunks.begin(i) * in;
        T* yi = y.data() + chunks.begin(i) * out;
        if (is_slim(in)) {
            with_constant(in, [&](auto k) { slim_inner<k()>(xi, w.data(), b.data(), yi, rows, out); });
        } else if (wt) {
            with_constant(out, [&](auto n) { slim_outer<n()>(xi, wt, b.data(), yi, rows, in); });
        } else if (suits_block_matmul<T>(in, out)) {
            block_matmul(Strided<T>{xi, in, 1}, w.data(), b.data(), yi, rows, in, out);
        } else {
            for (std::size_t n = 0; n < rows; ++n) { std::copy_n(b.data(), out, yi + n * out); }
            gemm(CblasNoTrans, CblasNoTrans, rows, out, in, T(1), xi, in, w.data(), out, T(1), yi, out);
        }
    });
}

template <class T> void linear_backward_input(const Tensor<T>& dy, const Tensor<T>& w, Tensor<T>& dx) {
    resize(dx, check_linear_backward_input(dy, w, dx));
    const std::size_t batch = dy.shape(0), in = w.shape(0), out = w.shape(1);
    const Chunks chunks = cut(batch, batch, in, out);
    const T* wt = is_slim(out) ? transposed(w) : nullptr;
    parallel_for(chunks.count, [&](std::size_t i) {
        const std::size_t rows = chunks.length(i);
        const T* dyi = dy.data() + chunks.begin(i) * out;
        T* dxi = dx.data() + chunks.begin(i) * in;
        const T* no_bias = nullptr;
        if (wt) {
            with_constant(out, [&](auto k) { slim_inner<k()>(dyi, wt, no_bias, dxi, rows, in); });
        } else if (is_slim(in)) {
            with_constant(in, [&](auto n) { slim_outer<n()>(dyi, w.data(), no_bias, dxi, rows, out); });
        } else {
            gemm(CblasNoTrans, CblasTrans, rows, in, out, T(1), dyi, out, w.data(), out, T(0), dxi, in);
        }
    });
}

template <class T>
void linear_backward_weight(const Tensor<T>& x, const Tensor<T>& dy, Tensor<T>& dw, Accumulate mode) {
    prepare_gradient("linear_backward_weight", "dw", dw, check_linear_backward_weight(x, dy, dw), mode);
    const std::size_t batch = x.shape(0), in = dw.shape(0), out = dw.shape(1);
    const bool add = mode == Accumulate::yes;
    if (is_slim(in) || is_slim(out)) {
        // The short side's columns times the long side's, summed over the batch: short x long, kept from call to call.
        thread_local Tensor<T> sums;
        const bool short_in = is_slim(in);
        resize(sums, {short_in ? in : out, short_in ? out : in});
        const Tensor<T>& a = short_in ? x : dy;
        const Tensor<T>& b = short_in ? dy : x;
        with_constant(a.shape(1),
                      [&](auto p) { slim_batch_sum<p()>(a.data(), b.data(), sums.data(), batch, b.shape(1)); });
        for (std::size_t d = 0; d < in; ++d) {
            for (std::size_t k = 0; k < out; ++k) {
                const T sum = short_in ? sums.data()[d * out + k] : sums.data()[k * in + d];
                T& g = dw.data()[d * out + k];
                g = add ? g + sum : sum;
            }
        }
        return;
    }
    // Cut by rows of dw, not by the batch: nothing has to be added up across threads.
    const Chunks chunks = cut(in, batch, in, out);
    const T* from_zero = add ? nullptr : zero_row<T>(out);
    parallel_for(chunks.count, [&](std::size_t i) {
        const std::size_t begin = chunks.begin(i), rows = chunks.length(i);
        const T* xi = x.data() + begin;
        T* dwi = dw.data() + begin * out;
        if (suits_block_matmul<T>(batch, out)) {
            block_matmul(Strided<T>{xi, 1, in}, dy.data(), from_zero, dwi, rows, batch, out);
        } else {
            gemm(CblasTrans, CblasNoTrans, rows, out, batch, T(1), xi, in, dy.data(), out, T(add ? 1 : 0), dwi, out);
        }
    });
}

template <class T> void linear_backward_bias(const Tensor<T>& dy, Tensor<T>& db, Accumulate mode) {
    prepare_gradient("linear_backward_bias", "db", db, check_linear_backward_bias(dy, db), mode);
    const std::size_t batch = dy.shape(0), out = dy.shape(1);
    thread_local Tensor<T> sums;
    resize(sums, {out});
    column_sums(dy.data(), sums.data(), batch, out);
    for (std::size_t k = 0; k < out; ++k) {
        db.data()[k] = mode == Accumulate::yes ? db.data()[k] + sums.data()[k] : sums.data()[k];
    }
}

template <class T> Tensor<T> linear_forward(const Tensor<T>& x, const Tensor<T>& w, const Tensor<T>& b) {
    Tensor<T> y;
    linear_forward(x, w, b, y);
    return y;
}

template <class T> LinearGradients<T> linear_backward(const Tensor<T>& x, const Tensor<T>& w, const Tensor<T>& dy) {
    LinearGradients<T> g;
    linear_backward_input(dy, w, g.dx);
    linear_backward_weight(x, dy, g.dw);
    linear_backward_bias(dy, g.db);
    return g;
}

#define HANDGRAD_INSTANTIATE(T)                                                                                        \
    template void linear_forward(const Tensor<T>&, const Tensor<T>&, const Tensor<T>&, Tensor<T>&);                    \
    template void linear_backward_input(const Tensor<T>&, const Tensor<T>&, Tensor<T>&);                               \
    template void linear_backward_weight(const Tensor<T>&, const Tensor<T>&, Tensor<T>&, Accumulate);                  \
    template void linear_backward_bias(const Tensor<T>&, Tensor<T>&, Accumulate);                                      \
    template Tensor<T> linear_forward(const Tensor<T>&, const Tensor<T>&, const Tensor<T>&);                           \
    template LinearGradients<T> linear_backward(const Tensor<T>&, const Tensor<T>&, const Tensor<T>&);
HANDGRAD_INSTANTIATE(float)
HANDGRAD_INSTANTIATE(double)

} // namespace handgrad::cpu
