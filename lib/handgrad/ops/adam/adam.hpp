#pragma once
/// @file
/// # Adam and AdamW, one parameter's step
///
/// **Formulas.** The parameter w and its gradient dw are the arguments p and g. In the formulas g is the gradient with
/// everything added that the options ask for, as in the documentation of torch.optim.Adam; \f$ \overline{g} \f$ and
/// \f$ \overline{g^2} \f$ are the running means of g and of its square, the arguments exp_avg and exp_avg_sq, which are 0
/// before the first step. Step t = 1, 2, ...:
/// 1. \f$ g \leftarrow dw \f$, or with maximize \f$ g \leftarrow -dw \f$
/// 2. weight decay: Adam adds the gradient of the L2 penalty, \f$ g \leftarrow g + \lambda w \f$; AdamW shrinks the
///    parameter, \f$ w \leftarrow (1 - \eta \lambda)\, w \f$
/// 3. \f$ \overline{g} \leftarrow \beta_1 \overline{g} + (1 - \beta_1)\, g \f$ and
///    \f$ \overline{g^2} \leftarrow \beta_2 \overline{g^2} + (1 - \beta_2)\, g^2 \f$
/// 4. \f$ w \leftarrow w - \eta\, \frac{\overline{g} / (1 - \beta_1^t)}{\sqrt{\overline{g^2} / (1 - \beta_2^t)} + \epsilon} \f$
///
/// **Shapes and memory.** All tensors have the shape of the parameter. p and both means are overwritten; g may be p
/// itself; the means share memory neither with them nor with each other.
///
/// **Errors.** Throws ShapeError if g has another shape than p or t is 0, and AliasError for means that share memory.
///
/// **Source.** D. Kingma, J. Ba, "Adam: A Method for Stochastic Optimization", 2015, algorithm 1; I. Loshchilov, F.
/// Hutter, "Decoupled Weight Decay Regularization", 2019, algorithm 2; documentation of torch.optim.Adam and AdamW.
//
// The derivation, step by step: adam.md.

#include <cmath>
#include <string>
#include <utility>

#include "handgrad/ops/contract.hpp"

namespace handgrad {

/// The options of torch.optim.Adam, with its defaults.
struct AdamOptions {
    double lr = 1e-3;                            ///< learning rate, eta
    std::pair<double, double> betas{0.9, 0.999}; ///< beta_1 and beta_2: decay of the two moments in a step
    double eps = 1e-8;                           ///< epsilon, keeps the divisor away from 0
    double weight_decay = 0;                     ///< lambda
    bool decoupled_weight_decay = false;         ///< whether the decay is AdamW's
    bool maximize = false;                       ///< whether to ascend instead of descend
};

/// The options of torch.optim.AdamW, with its defaults: the decay is decoupled, and not 0.
struct AdamWOptions : AdamOptions {
    AdamWOptions() {
        weight_decay = 1e-2;
        decoupled_weight_decay = true;
    }
};

/// The factors of step t, the same for all entries of a parameter.
struct AdamFactors {
    double step_size;  ///< \f$ \eta / (1 - \beta_1^t) \f$
    double sqrt_scale; ///< \f$ 1 / \sqrt{1 - \beta_2^t} \f$
    double l2;         ///< \f$ \lambda \f$ for Adam, 0 for AdamW
    double shrink;     ///< \f$ 1 - \eta \lambda \f$ for AdamW, 1 for Adam
    double beta1;      ///< decay of the mean of the gradients
    double beta2;      ///< decay of the mean of their squares
    double eps;        ///< epsilon
    bool maximize;     ///< whether to ascend

    /// @param options the options of the optimiser @param t the number of this step, from 1
    AdamFactors(const AdamOptions& options, std::size_t t)
        : step_size(options.lr / (1 - std::pow(options.betas.first, static_cast<double>(t)))),
          sqrt_scale(1 / std::sqrt(1 - std::pow(options.betas.second, static_cast<double>(t)))),
          l2(options.decoupled_weight_decay ? 0 : options.weight_decay),
          shrink(options.decoupled_weight_decay ? 1 - options.lr * options.weight_decay : 1),
          beta1(options.betas.first), beta2(options.betas.second), eps(options.eps), maximize(options.maximize) {}
};

/// The kernel of adam_step.
template <class Place> struct AdamKernels {
    /// p takes a step against g; m and v are the running means of g and of its square.
    template <class T> static void step(VectorView<T> p, VectorView<const T> g, VectorView<T> m, VectorView<T> v,
                                        const AdamFactors& factors);
};

/// One step of Adam or AdamW, for all backends.
template <class Place, class T> struct AdamOperations {
    using Tensor = TensorOf<Place, T>; ///< type of an array

    /// Moves p by step number t, from 1, against its gradient g, which has the shape of p. The running means exp_avg and
    /// exp_avg_sq are set to zero first if their shape differs from that of p. @throws ShapeError, AliasError,
    /// std::invalid_argument for t = 0
    static void adam_step(Tensor& p, const Tensor& g, Tensor& exp_avg, Tensor& exp_avg_sq, std::size_t t,
                          const AdamOptions& options) {
        require_shape("adam_step", "g", g.shape(), p.shape());
        require_apart("adam_step", {"exp_avg", exp_avg}, {{"p", p}, {"g", g}, {"exp_avg_sq", exp_avg_sq}});
        require_apart("adam_step", {"exp_avg_sq", exp_avg_sq}, {{"p", p}, {"g", g}});
        require_at_least("adam_step", "t", t, 1);
        for (Tensor* moment : {&exp_avg, &exp_avg_sq}) {
            if (moment->shape() == p.shape()) { continue; }
            resize(*moment, p.shape());
            moment->fill(T(0));
        }
        AdamKernels<Place>::step(entries(p), entries(g), entries(exp_avg), entries(exp_avg_sq),
                                 AdamFactors(options, t));
    }
};

HANDGRAD_CALL_AS(AdamOperations, adam_step)

} // namespace handgrad

#include "handgrad/ops/adam/reference.hpp" // the kernels of the reference are templates
