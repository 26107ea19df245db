#pragma once
/// @file
/// # L2 penalty
///
/// **Formulas.** With i counting all entries of w,
/// \f[ L_{\text{reg}} = \frac{\lambda}{2} \sum_i w_i^2, \qquad dw_i = \lambda\, w_i. \f]
/// PyTorch's optimisers call lambda `weight_decay`.
///
/// **Shapes and memory.** w and dw have the same shape, of any rank, and dw may be w itself. Backward needs w.
///
/// **Errors.** Throws ShapeError if a gradient that is added to has another shape than w.
///
/// **Source.** Lecture 13, part D. Its code, too, penalises weights and not biases.
//
// The derivation, step by step: l2_penalty.md.

#include "handgrad/ops/contract.hpp"

namespace handgrad {

/// The kernels of the L2 penalty.
template <class Place> struct L2PenaltyKernels {
    /// Returns lambda / 2 times the sum of w_i^2.
    template <class T> static T forward(VectorView<const T> w, double lambda);
    /// dw = lambda w, overwritten or added to.
    template <class T> static void backward(VectorView<const T> w, double lambda, VectorView<T> dw, Accumulate mode);
};

/// The L2 penalty, for all backends.
template <class Place, class T> struct L2PenaltyOperations {
    using Tensor = TensorOf<Place, T>; ///< type of an array

    /// Returns lambda / 2 times the sum of w_i^2; w of any shape.
    static T l2_penalty_forward(const Tensor& w, double lambda) {
        return L2PenaltyKernels<Place>::forward(entries(w), lambda);
    }

    /// dw_i = lambda w_i, overwritten or added to; dw has the shape of w. @throws ShapeError
    static void l2_penalty_backward(const Tensor& w, double lambda, Tensor& dw, Accumulate mode = Accumulate::no) {
        prepare_gradient("l2_penalty_backward", "dw", dw, w.shape(), mode);
        L2PenaltyKernels<Place>::backward(entries(w), lambda, entries(dw), mode);
    }
    /// The gradient, as a new tensor.
    static Tensor l2_penalty_backward(const Tensor& w, double lambda) {
        Tensor dw;
        l2_penalty_backward(w, lambda, dw);
        return dw;
    }
};

HANDGRAD_CALL_AS(L2PenaltyOperations, l2_penalty_forward)
HANDGRAD_CALL_AS(L2PenaltyOperations, l2_penalty_backward)

} // namespace handgrad

#include "handgrad/ops/l2_penalty/reference.hpp" // the kernels of the reference are templates
