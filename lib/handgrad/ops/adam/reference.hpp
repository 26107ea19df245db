#pragma once
// One step of Adam, in plain loops. Formulas: adam.hpp.

#include <cmath>

#include "handgrad/ops/adam/adam.hpp"

namespace handgrad {

template <> template <class T> void AdamKernels<OnReference>::step(VectorView<T> p, VectorView<const T> g,
                                                                   VectorView<T> m, VectorView<T> v,
                                                                   const AdamFactors& factors) {
    using std::sqrt;
    for (std::size_t i = 0; i < p.size; ++i) {
        const T up = factors.maximize ? -g(i) : g(i);
        const T gradient = factors.l2 != 0 ? up + T(factors.l2) * p(i) : up;
        m(i) = T(factors.beta1) * m(i) + T(1 - factors.beta1) * gradient;
        v(i) = T(factors.beta2) * v(i) + T(1 - factors.beta2) * gradient * gradient;
        const T divisor = sqrt(v(i)) * T(factors.sqrt_scale) + T(factors.eps);
        p(i) = T(factors.shrink) * p(i) - T(factors.step_size) * m(i) / divisor;
    }
}

HANDGRAD_REFERENCE_KERNEL(AdamKernels<OnReference>::step)

} // namespace handgrad
