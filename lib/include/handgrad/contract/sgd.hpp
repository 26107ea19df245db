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
/// All tensors have the parameter's shape. Source: documentation of torch.optim.SGD.

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

} // namespace handgrad
