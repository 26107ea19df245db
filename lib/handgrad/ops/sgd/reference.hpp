#pragma once
/// @file
/// One step of SGD, in plain loops. Formulas: contract/sgd.hpp.

#include "handgrad/ops/sgd/sgd.hpp"
#include "handgrad/tensor/tensor.hpp"

namespace handgrad::reference {

/// p takes one step against its gradient g; v is its velocity, read and written only if options.momentum is not 0
/// (a v of another shape means that this is the first step). All of one shape. @throws ShapeError
template <class T> void sgd_step(Tensor<T>& p, const Tensor<T>& g, Tensor<T>& v, const SgdOptions& options) {
    check_sgd_step(p, g, v, options);
    const bool first = v.shape() != p.shape();
    if (options.momentum != 0) { resize(v, p.shape()); }
    for (std::size_t i = 0; i < p.size(); ++i) {
        T step = options.maximize ? -g.data()[i] : g.data()[i];
        if (options.weight_decay != 0) { step += T(options.weight_decay) * p.data()[i]; }
        if (options.momentum != 0) {
            T& vi = v.data()[i];
            vi = first ? step : T(options.momentum) * vi + T(1 - options.dampening) * step;
            step = options.nesterov ? step + T(options.momentum) * vi : vi;
        }
        p.data()[i] -= T(options.lr) * step;
    }
}

} // namespace handgrad::reference
