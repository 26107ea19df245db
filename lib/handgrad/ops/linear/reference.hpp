#pragma once
// linear, in plain loops. Formulas and shapes: linear.hpp; derivation: linear.md.

#include "handgrad/ops/linear/linear.hpp"

namespace handgrad {

template <> template <class T> void LinearKernels<OnReference>::forward(MatrixView<const T> x, MatrixView<const T> w,
                                                                        VectorView<const T> b, MatrixView<T> y) {
    for (std::size_t n = 0; n < y.rows; ++n) {
        for (std::size_t k = 0; k < y.columns; ++k) {
            T sum = b(k);
            for (std::size_t d = 0; d < x.columns; ++d) { sum += x(n, d) * w(d, k); }
            y(n, k) = sum;
        }
    }
}

template <> template <class T>
void LinearKernels<OnReference>::backward_input(MatrixView<const T> dy, MatrixView<const T> w, MatrixView<T> dx) {
    for (std::size_t n = 0; n < dx.rows; ++n) {
        for (std::size_t d = 0; d < dx.columns; ++d) {
            T sum(0);
            for (std::size_t k = 0; k < dy.columns; ++k) { sum += dy(n, k) * w(d, k); }
            dx(n, d) = sum;
        }
    }
}

template <> template <class T> void LinearKernels<OnReference>::backward_weight(MatrixView<const T> x,
                                                                                MatrixView<const T> dy,
                                                                                MatrixView<T> dw, Accumulate mode) {
    for (std::size_t d = 0; d < dw.rows; ++d) {
        for (std::size_t k = 0; k < dw.columns; ++k) {
            T sum(0);
            for (std::size_t n = 0; n < x.rows; ++n) { sum += x(n, d) * dy(n, k); }
            dw(d, k) = mode == Accumulate::yes ? dw(d, k) + sum : sum;
        }
    }
}

template <> template <class T>
void LinearKernels<OnReference>::backward_bias(MatrixView<const T> dy, VectorView<T> db, Accumulate mode) {
    for (std::size_t k = 0; k < db.size; ++k) {
        T sum(0);
        for (std::size_t n = 0; n < dy.rows; ++n) { sum += dy(n, k); }
        db(k) = mode == Accumulate::yes ? db(k) + sum : sum;
    }
}

HANDGRAD_REFERENCE_KERNEL(LinearKernels<OnReference>::forward)
HANDGRAD_REFERENCE_KERNEL(LinearKernels<OnReference>::backward_input)
HANDGRAD_REFERENCE_KERNEL(LinearKernels<OnReference>::backward_weight)
HANDGRAD_REFERENCE_KERNEL(LinearKernels<OnReference>::backward_bias)

} // namespace handgrad
