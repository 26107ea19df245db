#pragma once
// Softmax cross-entropy, in plain loops. Formulas and shapes: cross_entropy.hpp.

#include <cmath>

#include "handgrad/ops/cross_entropy/cross_entropy.hpp"
#include "handgrad/ops/softmax/reference.hpp"

namespace handgrad {

template <> template <class T> void CrossEntropyKernels<OnReference>::forward(MatrixView<const T> z,
                                                                              VectorView<const std::int64_t> y,
                                                                              MatrixView<T> p, T* loss) {
    using reference::value_of;
    using std::exp;
    using std::log;
    SoftmaxKernels<OnReference>::forward(z, p);
    T sum_of_losses(0), rows(0);
    for (std::size_t n = 0; n < z.rows; ++n) {
        if (y(n) == ignore_index) { continue; }
        rows += T(1);
        const auto m = reference::row_maximum(z, n);
        T sum(0);
        for (std::size_t k = 0; k < z.columns; ++k) { sum += exp(z(n, k) - T(m)); }
        sum_of_losses += log(sum) - (z(n, static_cast<std::size_t>(y(n))) - T(m));
    }
    *loss = sum_of_losses / rows;
}

template <> template <class T> void
CrossEntropyKernels<OnReference>::backward(MatrixView<const T> p, VectorView<const std::int64_t> y, MatrixView<T> dz) {
    T batch(0); // rows that are not ignored
    for (std::size_t n = 0; n < p.rows; ++n) { batch += T(y(n) == ignore_index ? 0 : 1); }
    for (std::size_t n = 0; n < p.rows; ++n) {
        for (std::size_t k = 0; k < p.columns; ++k) {
            const bool is_true_class = k == static_cast<std::size_t>(y(n));
            dz(n, k) = y(n) == ignore_index ? T(0) : (p(n, k) - T(is_true_class ? 1 : 0)) / batch;
        }
    }
}

template <> template <class T>
std::size_t CrossEntropyKernels<OnReference>::count_correct(MatrixView<const T> z, VectorView<const std::int64_t> y) {
    using reference::value_of;
    std::size_t correct = 0;
    for (std::size_t n = 0; n < z.rows; ++n) {
        std::size_t best = 0;
        for (std::size_t k = 1; k < z.columns; ++k) {
            const auto score = value_of(z(n, k)), most = value_of(z(n, best));
            const bool is_first_nan = score != score && most == most;
            if (score > most || is_first_nan) { best = k; }
        }
        if (best == static_cast<std::size_t>(y(n))) { ++correct; }
    }
    return correct;
}

HANDGRAD_REFERENCE_KERNEL(CrossEntropyKernels<OnReference>::forward)
HANDGRAD_REFERENCE_KERNEL(CrossEntropyKernels<OnReference>::backward)
HANDGRAD_REFERENCE_KERNEL(CrossEntropyKernels<OnReference>::count_correct)

} // namespace handgrad
