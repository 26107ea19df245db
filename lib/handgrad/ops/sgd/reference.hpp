#pragma once
// One step of SGD, in plain loops. Formulas: sgd.hpp.

#include "handgrad/ops/sgd/sgd.hpp"

namespace handgrad {

template <> template <class T> void SgdKernels<OnReference>::step(VectorView<T> p, VectorView<const T> g,
                                                                  VectorView<T> v, const SgdOptions& options,
                                                                  bool first) {
    for (std::size_t i = 0; i < p.size; ++i) {
        T step = options.maximize ? -g(i) : g(i);
        if (options.weight_decay != 0) { step += T(options.weight_decay) * p(i); }
        if (options.momentum != 0) {
            v(i) = first ? step : T(options.momentum) * v(i) + T(1 - options.dampening) * step;
            step = options.nesterov ? step + T(options.momentum) * v(i) : v(i);
        }
        p(i) -= T(options.lr) * step;
    }
}

HANDGRAD_REFERENCE_KERNEL(SgdKernels<OnReference>::step)

} // namespace handgrad
