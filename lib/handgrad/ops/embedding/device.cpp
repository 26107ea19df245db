// Embedding. Forward has one item for each entry of y. Backward has three kernels without atomics or sorting: for each
// token of the vocabulary the first position where it occurs; for each position the next one with the same token; then
// one item for each entry of dw adds the entries of dy along this list, in ascending order. The second kernel reads
// about V tokens for each position if all tokens are equally frequent, at most N. Formulas: embedding.hpp.

#include <cmath>
#include <cstdint>

#include "handgrad/device/memory.hpp"
#include "handgrad/device/run.hpp"
#include "handgrad/ops/embedding/embedding.hpp"

namespace handgrad {
namespace {

template <class T> struct Forward {
    MatrixView<const T> w;
    VectorView<const std::int64_t> token;
    HANDGRAD_HOST_DEVICE T operator()(std::size_t item) const {
        const std::int64_t v = token(item / w.columns);
        const bool is_token = v >= 0 && v < static_cast<std::int64_t>(w.rows);
        return is_token ? w(static_cast<std::size_t>(v), item % w.columns) : T(NAN);
    }
};

/// The first position at or after `from` that has token v, or the number of tokens.
HANDGRAD_HOST_DEVICE inline std::int64_t find_token(VectorView<const std::int64_t> token, std::int64_t v,
                                                    std::size_t from) {
    std::size_t n = from;
    while (n < token.size && token(n) != v) { ++n; }
    return static_cast<std::int64_t>(n);
}

struct FirstOfToken {
    VectorView<const std::int64_t> token;
    HANDGRAD_HOST_DEVICE std::int64_t operator()(std::size_t v) const {
        return find_token(token, static_cast<std::int64_t>(v), 0);
    }
};

struct NextOfSameToken {
    VectorView<const std::int64_t> token;
    HANDGRAD_HOST_DEVICE std::int64_t operator()(std::size_t n) const { return find_token(token, token(n), n + 1); }
};

template <class T> struct Backward {
    MatrixView<const T> dy;
    const std::int64_t *first, *next;
    MatrixView<T> dw;
    bool add;
    HANDGRAD_HOST_DEVICE void operator()(std::size_t item) const {
        const std::size_t v = item / dw.columns, c = item % dw.columns;
        T sum(0);
        for (auto n = static_cast<std::size_t>(first[v]); n < dy.rows; n = static_cast<std::size_t>(next[n])) {
            sum += dy(n, c);
        }
        dw(v, c) = add ? dw(v, c) + sum : sum;
    }
};

} // namespace

template <> template <class T>
void EmbeddingKernels<OnDevice>::forward(MatrixView<const T> w, VectorView<const std::int64_t> token, MatrixView<T> y) {
    device::tabulate(y.data, y.rows * y.columns, 2, Forward<T>{w, token});
}

template <> template <class T> void EmbeddingKernels<OnDevice>::backward(MatrixView<const T> dy,
                                                                         VectorView<const std::int64_t> token,
                                                                         MatrixView<T> dw, Accumulate mode) {
    auto* first = device::scratch<std::int64_t>(dw.rows + dy.rows);
    auto* next = first + dw.rows;
    const std::size_t search = dy.rows < dw.rows ? dy.rows : dw.rows;
    device::tabulate(first, dw.rows, search, FirstOfToken{token});
    device::tabulate(next, dy.rows, search, NextOfSameToken{token});
    const std::size_t rows_each = dw.rows == 0 ? 0 : dy.rows / dw.rows;
    device::for_each_item(dw.rows * dw.columns, 2 + 2 * rows_each,
                          Backward<T>{dy, first, next, dw, mode == Accumulate::yes});
}

HANDGRAD_INSTANTIATE_KERNEL(EmbeddingKernels<OnDevice>::forward)
HANDGRAD_INSTANTIATE_KERNEL(EmbeddingKernels<OnDevice>::backward)

} // namespace handgrad
