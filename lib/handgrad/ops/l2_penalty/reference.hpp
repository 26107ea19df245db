#pragma once
// The L2 penalty, in plain loops. Formulas: l2_penalty.hpp.

#include "handgrad/ops/l2_penalty/l2_penalty.hpp"

namespace handgrad {

template <> template <class T> T L2PenaltyKernels<OnReference>::forward(VectorView<const T> w, double lambda) {
    T sum(0);
    for (std::size_t i = 0; i < w.size; ++i) { sum += w(i) * w(i); }
    return T(0.5 * lambda) * sum;
}

template <> template <class T>
void L2PenaltyKernels<OnReference>::backward(VectorView<const T> w, double lambda, VectorView<T> dw, Accumulate mode) {
    for (std::size_t i = 0; i < w.size; ++i) {
        const T g = T(lambda) * w(i);
        dw(i) = mode == Accumulate::yes ? dw(i) + g : g;
    }
}

HANDGRAD_REFERENCE_KERNEL(L2PenaltyKernels<OnReference>::forward)
HANDGRAD_REFERENCE_KERNEL(L2PenaltyKernels<OnReference>::backward)

} // namespace handgrad
