#pragma once
// Embedding, in plain loops. Formulas and shapes: embedding.hpp.

#include "handgrad/ops/embedding/embedding.hpp"

namespace handgrad {

template <> template <class T> void
EmbeddingKernels<OnReference>::forward(MatrixView<const T> w, VectorView<const std::int64_t> token, MatrixView<T> y) {
    for (std::size_t n = 0; n < y.rows; ++n) {
        for (std::size_t c = 0; c < y.columns; ++c) { y(n, c) = w(static_cast<std::size_t>(token(n)), c); }
    }
}

template <> template <class T> void EmbeddingKernels<OnReference>::backward(MatrixView<const T> dy,
                                                                            VectorView<const std::int64_t> token,
                                                                            MatrixView<T> dw, Accumulate mode) {
    for (std::size_t v = 0; v < dw.rows; ++v) {
        for (std::size_t c = 0; c < dw.columns; ++c) {
            T sum(0);
            for (std::size_t n = 0; n < dy.rows; ++n) {
                if (static_cast<std::size_t>(token(n)) == v) { sum += dy(n, c); }
            }
            dw(v, c) = mode == Accumulate::yes ? dw(v, c) + sum : sum;
        }
    }
}

HANDGRAD_REFERENCE_KERNEL(EmbeddingKernels<OnReference>::forward)
HANDGRAD_REFERENCE_KERNEL(EmbeddingKernels<OnReference>::backward)

} // namespace handgrad
