#pragma once
/// @file
/// # Stochastic gradient descent, one parameter's step
///
/// **Formulas.** The parameter w, its gradient dw and the velocity v (PyTorch's momentum buffer) are the arguments p, g
/// and v. In the formulas g is the gradient with everything added that the options ask for, as in the documentation of
/// torch.optim.SGD:
/// 1. \f$ g \leftarrow dw \f$, or with maximize \f$ g \leftarrow -dw \f$
/// 2. weight decay: \f$ g \leftarrow g + \lambda w \f$
/// 3. momentum: \f$ v \leftarrow g \f$ at the first step, later
///    \f$ v \leftarrow \beta v + (1 - \text{dampening})\, g \f$;
///    then \f$ g \leftarrow g + \beta v \f$ with Nesterov's variant, else \f$ g \leftarrow v \f$
/// 4. \f$ w \leftarrow w - \eta g \f$
///
/// **Shapes and memory.** All tensors have the shape of the parameter. p is overwritten; g may be p itself; v must be
/// neither.
///
/// **Errors.** Throws ShapeError if g has another shape than p, and AliasError if v shares memory with p or g.
///
/// **Source.** Documentation of torch.optim.SGD.
//
// The derivation, step by step: sgd.md.

#include "handgrad/ops/contract.hpp"

namespace handgrad {

/// The options of torch.optim.SGD, with its defaults.
struct SgdOptions {
    double lr = 1e-3;        ///< learning rate, eta
    double momentum = 0;     ///< beta
    double dampening = 0;    ///< the part of each gradient that the velocity leaves out
    double weight_decay = 0; ///< lambda
    bool nesterov = false;   ///< Nesterov's momentum; requires momentum > 0 and dampening = 0
    bool maximize = false;   ///< whether to ascend instead of descend
};

/// The kernel of sgd_step.
template <class Place> struct SgdKernels {
    /// p takes a step against g. The kernel uses v only if there is momentum; if this is the first step, it does not
    /// read v.
    template <class T>
    static void step(VectorView<T> p, VectorView<const T> g, VectorView<T> v, const SgdOptions& options, bool first);
};

/// One step of SGD, for all backends.
template <class Place, class T> struct SgdOperations {
    using Tensor = TensorOf<Place, T>; ///< type of an array

    /// Moves p by one step against its gradient g, which has the shape of p. The velocity v is read and written only if
    /// options.momentum is not 0; if its shape differs from that of p, this is the first step. @throws ShapeError,
    /// AliasError
    static void sgd_step(Tensor& p, const Tensor& g, Tensor& v, const SgdOptions& options) {
        require_shape("sgd_step", "g", g.shape(), p.shape());
        bool first = false;
        if (options.momentum != 0) {
            require_apart("sgd_step", {"v", v}, {{"p", p}, {"g", g}});
            first = v.shape() != p.shape();
            resize(v, p.shape());
        }
        SgdKernels<Place>::step(entries(p), entries(g), entries(v), options, first);
    }
};

HANDGRAD_CALL_AS(SgdOperations, sgd_step)

} // namespace handgrad

#include "handgrad/ops/sgd/reference.hpp" // the kernels of the reference are templates
