// Embedding on threads. Backward sorts the positions by token, so that each row of dw is the sum of its own list of
// rows of dy. Formulas: embedding.hpp.

#include <algorithm>

#include "handgrad/ops/embedding/embedding.hpp"
#include "handgrad/tensor/parallel_for.hpp"
#include "handgrad/tensor/scratch.hpp"

namespace handgrad {
namespace {

/// Number of rows in a chunk: about 16,384 entries.
std::size_t grain(std::size_t columns) { return std::max<std::size_t>(1, 16384 / std::max<std::size_t>(1, columns)); }

/// The positions 0 .. N-1, sorted by token and, for equal tokens, in ascending order (counting sort).
struct SortedByToken {
    std::size_t* begin;    ///< the positions of token v are position[begin[v]] .. position[begin[v + 1] - 1]
    std::size_t* position; ///< N positions
    SortedByToken(VectorView<const std::int64_t> token, std::size_t vocabulary)
        : begin(scratch<std::size_t, struct Begins>(vocabulary + 2)),
          position(scratch<std::size_t, struct Positions>(token.size)) {
        // begin[v + 2] counts token v, and becomes the end of the tokens below v + 1. Writing the positions of token v
        // moves begin[v + 1] from its begin to its end.
        std::fill_n(begin, vocabulary + 2, std::size_t(0));
        for (std::size_t n = 0; n < token.size; ++n) { ++begin[static_cast<std::size_t>(token(n)) + 2]; }
        for (std::size_t v = 2; v < vocabulary + 2; ++v) { begin[v] += begin[v - 1]; }
        for (std::size_t n = 0; n < token.size; ++n) { position[begin[static_cast<std::size_t>(token(n)) + 1]++] = n; }
    }
};

} // namespace

template <> template <class T>
void EmbeddingKernels<OnCpu>::forward(MatrixView<const T> w, VectorView<const std::int64_t> token, MatrixView<T> y) {
    const Chunks chunks(y.rows, grain(y.columns));
    parallel_for(chunks.count, [&](std::size_t chunk) {
        for (std::size_t n = chunks.begin(chunk); n < chunks.begin(chunk) + chunks.length(chunk); ++n) {
            std::copy_n(w.data + static_cast<std::size_t>(token(n)) * w.columns, w.columns, y.data + n * y.columns);
        }
    });
}

template <> template <class T> void EmbeddingKernels<OnCpu>::backward(MatrixView<const T> dy,
                                                                      VectorView<const std::int64_t> token,
                                                                      MatrixView<T> dw, Accumulate mode) {
    const SortedByToken sorted(token, dw.rows);
    const Chunks chunks(dw.rows, grain(dw.columns));
    parallel_for(chunks.count, [&](std::size_t chunk) {
        T* sum = scratch<T, struct RowSum>(dw.columns);
        for (std::size_t v = chunks.begin(chunk); v < chunks.begin(chunk) + chunks.length(chunk); ++v) {
            const std::size_t first = sorted.begin[v], last = sorted.begin[v + 1];
            T* dw_row = dw.data + v * dw.columns;
            if (first == last) {
                if (mode == Accumulate::no) { std::fill_n(dw_row, dw.columns, T(0)); }
                continue;
            }
            std::copy_n(dy.data + sorted.position[first] * dw.columns, dw.columns, sum);
            for (std::size_t i = first + 1; i < last; ++i) {
                const T* dy_row = dy.data + sorted.position[i] * dw.columns;
                for (std::size_t c = 0; c < dw.columns; ++c) { sum[c] += dy_row[c]; }
            }
            for (std::size_t c = 0; c < dw.columns; ++c) {
                dw_row[c] = mode == Accumulate::yes ? dw_row[c] + sum[c] : sum[c];
            }
        }
    });
}

HANDGRAD_INSTANTIATE_KERNEL(EmbeddingKernels<OnCpu>::forward)
HANDGRAD_INSTANTIATE_KERNEL(EmbeddingKernels<OnCpu>::backward)

} // namespace handgrad
