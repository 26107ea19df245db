#pragma once
/// @file
/// # RMSprop, one parameter's step
///
/// With p the parameter, g its gradient, v the mean square of the gradients, a their mean and u the velocity, all zero
/// before the first step, a step is that of torch.optim.RMSprop:
/// 1. maximize: \f$ g \leftarrow -g \f$; weight decay: \f$ g \leftarrow g + \lambda p \f$
/// 2. mean square: \f$ v \leftarrow \alpha v + (1 - \alpha)\, g^2 \f$
/// 3. centered: \f$ a \leftarrow \alpha a + (1 - \alpha)\, g \f$ and \f$ s = \sqrt{v - a^2} + \epsilon \f$;
///    otherwise \f$ s = \sqrt v + \epsilon \f$
/// 4. with momentum: \f$ u \leftarrow \beta u + g / s \f$ and \f$ p \leftarrow p - \eta u \f$;
///    otherwise \f$ p \leftarrow p - \eta\, g / s \f$
///
/// All tensors have the shape of the parameter. p, v, a and u are overwritten and share no memory; g may be p.
/// Source: T. Tieleman, G. Hinton, "Lecture 6.5: RMSProp", 2012; documentation of torch.optim.RMSprop.

#include <utility>
#include <vector>

#include "handgrad/ops/contract.hpp"

namespace handgrad {

/// The options of torch.optim.RMSprop, with its defaults.
struct RMSpropOptions {
    double lr = 1e-2;        ///< learning rate, eta
    double alpha = 0.99;     ///< decay of the means in a step
    double eps = 1e-8;       ///< epsilon, keeps the divisor away from 0
    double weight_decay = 0; ///< lambda
    double momentum = 0;     ///< beta
    bool centered = false;   ///< whether the divisor is the standard deviation of the gradients
    bool maximize = false;   ///< whether to ascend instead of descend
};

/// The kernel of rmsprop_step.
template <class Place> struct RMSpropKernels {
    /// p takes a step against g. The kernel uses `average` only if options.centered, and `velocity` only if there is
    /// momentum.
    template <class T> static void step(VectorView<T> p, VectorView<const T> g, VectorView<T> square,
                                        VectorView<T> average, VectorView<T> velocity, const RMSpropOptions& options);
};

/// One step of RMSprop, for all backends.
template <class Place, class T> struct RMSpropOperations {
    using Tensor = TensorOf<Place, T>; ///< type of an array

    /// Moves p by one step against its gradient g, which has the shape of p. The state, square_avg (v), grad_avg (a; only
    /// if options.centered) and momentum_buffer (u; only if options.momentum is not 0), is set to zero first if its shape
    /// differs from that of p. @throws ShapeError, AliasError
    static void rmsprop_step(Tensor& p, const Tensor& g, Tensor& square_avg, Tensor& grad_avg, Tensor& momentum_buffer,
                             const RMSpropOptions& options) {
        const char* const who = "rmsprop_step";
        require_shape(who, "g", g.shape(), p.shape());
        std::vector<std::pair<const char*, Tensor*>> states{{"square_avg", &square_avg}}; // those that are kept
        if (options.centered) { states.emplace_back("grad_avg", &grad_avg); }
        if (options.momentum != 0) { states.emplace_back("momentum_buffer", &momentum_buffer); }
        for (auto state = states.begin(); state != states.end(); ++state) {
            for (auto later = state + 1; later != states.end(); ++later) {
                require_apart(who, {state->first, *state->second}, {{later->first, *later->second}});
            }
            require_apart(who, {state->first, *state->second}, {{"p", p}, {"g", g}});
        }
        for (const auto& state : states) {
            if (state.second->shape() == p.shape()) { continue; }
            resize(*state.second, p.shape());
            state.second->fill(T(0));
        }
        RMSpropKernels<Place>::step(entries(p), entries(g), entries(square_avg), entries(grad_avg),
                                    entries(momentum_buffer), options);
    }
};

HANDGRAD_CALL_AS(RMSpropOperations, rmsprop_step)

} // namespace handgrad

#include "handgrad/ops/rmsprop/reference.hpp" // the kernels of the reference are templates
