#pragma once
// One step of RMSprop, in plain loops. Formulas: rmsprop.hpp.

#include <cmath>

#include "handgrad/ops/rmsprop/rmsprop.hpp"

namespace handgrad {

template <> template <class T>
void RMSpropKernels<OnReference>::step(VectorView<T> p, VectorView<const T> g, VectorView<T> square,
                                       VectorView<T> average, VectorView<T> velocity, const RMSpropOptions& options) {
    using std::sqrt;
    const T alpha(options.alpha), rest(1 - options.alpha);
    for (std::size_t i = 0; i < p.size; ++i) {
        T gradient = options.maximize ? -g(i) : g(i);
        if (options.weight_decay != 0) { gradient += T(options.weight_decay) * p(i); }
        square(i) = alpha * square(i) + rest * gradient * gradient;
        T mean_square = square(i);
        if (options.centered) {
            average(i) = alpha * average(i) + rest * gradient;
            mean_square -= average(i) * average(i);
        }
        T step = gradient / (sqrt(mean_square) + T(options.eps));
        if (options.momentum != 0) {
            velocity(i) = T(options.momentum) * velocity(i) + step;
            step = velocity(i);
        }
        p(i) -= T(options.lr) * step;
    }
}

HANDGRAD_REFERENCE_KERNEL(RMSpropKernels<OnReference>::step)

} // namespace handgrad
