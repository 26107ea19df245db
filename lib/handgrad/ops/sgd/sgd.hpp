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

#include "handgrad/ops/contract.hpp"

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

    /// p takes one step against its gradient g; v is its velocity, read and written only if options.momentum is not 0
    /// (a v of another shape means that this is the first step). All of one shape. @throws ShapeError, AliasError
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
