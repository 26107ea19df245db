#pragma once
/// @file
/// # RMSprop, one parameter's step
///
/// **Formulas.** The parameter w and its gradient dw are the arguments p and g. In the formulas g is the gradient with
/// everything added that the options ask for, as in the documentation of torch.optim.RMSprop; \f$ \overline{g^2} \f$ is the
/// running mean of its square, \f$ \overline{g} \f$ that of g, and v the velocity: the arguments square_avg, grad_avg and
/// momentum_buffer, which are 0 before the first step.
/// 1. \f$ g \leftarrow dw \f$, or with maximize \f$ g \leftarrow -dw \f$; weight decay: \f$ g \leftarrow g + \lambda w \f$
/// 2. \f$ \overline{g^2} \leftarrow \text{alpha} \cdot \overline{g^2} + (1 - \text{alpha})\, g^2 \f$
/// 3. the scale is \f$ \sqrt{\overline{g^2}} + \epsilon \f$; if centered,
///    \f$ \overline{g} \leftarrow \text{alpha} \cdot \overline{g} + (1 - \text{alpha})\, g \f$ and it is
///    \f$ \sqrt{\overline{g^2} - \overline{g}^2} + \epsilon \f$
/// 4. \f$ w \leftarrow w - \eta\, g / \text{scale} \f$; with momentum, \f$ v \leftarrow \beta v + g / \text{scale} \f$ and
///    \f$ w \leftarrow w - \eta v \f$
///
/// **Shapes and memory.** All tensors have the shape of the parameter. p and the state are overwritten; g may be p
/// itself; the state shares memory neither with them nor with each other.
///
/// **Errors.** Throws ShapeError if g has another shape than p, and AliasError for state that shares memory.
///
/// **Source.** T. Tieleman, G. Hinton, "Lecture 6.5: RMSProp", 2012; documentation of torch.optim.RMSprop.
//
// The derivation, step by step: rmsprop.md.

#include <array>
#include <utility>

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

    /// Moves p by one step against its gradient g, which has the shape of p. The state, square_avg, grad_avg (only
    /// if options.centered) and momentum_buffer (only if options.momentum is not 0), is set to zero first if its shape
    /// differs from that of p. @throws ShapeError, AliasError
    static void rmsprop_step(Tensor& p, const Tensor& g, Tensor& square_avg, Tensor& grad_avg, Tensor& momentum_buffer,
                             const RMSpropOptions& options) {
        const char* const who = "rmsprop_step";
        require_shape(who, "g", g.shape(), p.shape());
        // The state that is kept.
        std::array<std::pair<const char*, Tensor*>, 3> states{{{"square_avg", &square_avg}}};
        std::size_t count = 1;
        if (options.centered) { states[count++] = {"grad_avg", &grad_avg}; }
        if (options.momentum != 0) { states[count++] = {"momentum_buffer", &momentum_buffer}; }
        for (std::size_t k = 0; k < count; ++k) {
            const NamedTensor state{states[k].first, *states[k].second};
            for (std::size_t later = k + 1; later < count; ++later) {
                require_apart(who, state, {{states[later].first, *states[later].second}});
            }
            require_apart(who, state, {{"p", p}, {"g", g}});
        }
        for (std::size_t k = 0; k < count; ++k) {
            Tensor& state = *states[k].second;
            if (state.shape() == p.shape()) { continue; }
            resize(state, p.shape());
            state.fill(T(0));
        }
        RMSpropKernels<Place>::step(entries(p), entries(g), entries(square_avg), entries(grad_avg),
                                    entries(momentum_buffer), options);
    }
};

HANDGRAD_CALL_AS(RMSpropOperations, rmsprop_step)

} // namespace handgrad

#include "handgrad/ops/rmsprop/reference.hpp" // the kernels of the reference are templates
