#pragma once
// Dropout, number by number. Formulas: dropout.hpp.

#include "handgrad/ops/dropout/dropout.hpp"
#include "handgrad/tensor/philox.hpp"

namespace handgrad {

template <> template <class T> void DropoutKernels<OnReference>::apply(VectorView<const T> x, double p,
                                                                       const DropoutCounter& counter, VectorView<T> y) {
    for (std::size_t i = 0; i < x.size; ++i) {
        const float u = random_uniform(counter.seed, counter.purpose, counter.step, i);
        const bool is_kept = static_cast<double>(u) >= p;
        y(i) = x(i) * T(is_kept ? 1 / (1 - p) : 0);
    }
}

HANDGRAD_REFERENCE_KERNEL(DropoutKernels<OnReference>::apply)

} // namespace handgrad
