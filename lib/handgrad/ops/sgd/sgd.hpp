#pragma once
/// @file
/// # Stochastic gradient descent, one parameter's step
///
/// With g the gradient, p the parameter, v the velocity (momentum buffer), exactly as torch.optim.SGD:
/// 1. maximize: \f$ g \leftarrow -g \f$
/// 2. weight decay: \f$ g \leftarrow g + \lambda p \f$
/// 3. momentum: \f$ v \leftarrow g \f$ at the first step, later \f$ v \leftarrow \mu v + (1 - \tau) g \f$;
///    then \f$ g \leftarrow g + \mu v \f$ with Nesterov's variant, else \f$ g \leftarrow v \f$
/// 4. \f$ p \leftarrow p - \eta g \f$
///
/// All tensors have the parameter's shape. p is overwritten, and g may be p itself; v is a tensor of its own.
/// Source: documentation of torch.optim.SGD.

#include "handgrad/ops/aliasing.hpp"
#include "handgrad/tensor/tensor.hpp"

namespace handgrad {

/// The options of torch.optim.SGD, with its defaults.
struct SgdOptions {
    double lr = 1e-3;        ///< step size eta
    double momentum = 0;     ///< mu
    double dampening = 0;    ///< tau
    double weight_decay = 0; ///< lambda
    bool nesterov = false;   ///< Nesterov's momentum; wants momentum > 0 and dampening = 0
    bool maximize = false;   ///< climb instead of descend
};

/// Checks sgd_step's tensors; v only where there is momentum. @throws ShapeError, AliasError
template <class X> void check_sgd_step(const X& p, const X& g, const X& v, const SgdOptions& options) {
    require_shape("sgd_step", "g", g.shape(), p.shape());
    if (options.momentum != 0) { require_apart("sgd_step", {"v", v}, {{"p", p}, {"g", g}}); }
}

} // namespace handgrad
