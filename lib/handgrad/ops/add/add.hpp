#pragma once
/// @file
/// # Addition, for residual connections
///
/// **Formulas.** \f$ y_i = a_i + b_i \f$. Each \f$ y_i \f$ has the derivative 1 with respect to \f$ a_i \f$ and to
/// \f$ b_i \f$, so backward passes the upstream gradient to both: \f$ da_i = dy_i,\; db_i = dy_i \f$.
///
/// **Shapes.** All tensors have the same shape, of any rank.
///
/// **Memory.** Backward needs neither a nor b. y may be a or b; da or db may be dy, and da is not db.
///
/// **Errors.** Throws ShapeError if the shapes differ, and AliasError if da shares memory with db.
///
/// **Source.** He, Zhang, Ren, Sun, Deep Residual Learning (2015), arXiv:1512.03385.
//
// The derivation, step by step: add.md.

#include "handgrad/ops/contract.hpp"

namespace handgrad {

/// The kernels of add, on all entries of tensors of one shape.
template <class Place> struct AddKernels {
    /// y = a + b.
    template <class T> static void forward(VectorView<const T> a, VectorView<const T> b, VectorView<T> y);
    /// result = dy.
    template <class T> static void copy(VectorView<const T> dy, VectorView<T> result);
};

/// The gradients of add.
template <class Tensor> struct AddGradients {
    Tensor da; ///< dL/da
    Tensor db; ///< dL/db
};

/// Addition, for all backends.
template <class Place, class T> struct AddOperations {
    using Tensor = TensorOf<Place, T>;                   ///< type of an array
    using AddGradients = handgrad::AddGradients<Tensor>; ///< type of both gradients together

    /// y = a + b, entry by entry; y may be a or b. @throws ShapeError
    static void add_forward(const Tensor& a, const Tensor& b, Tensor& y) {
        require_shape("add_forward", "b", b.shape(), a.shape());
        resize(y, a.shape());
        AddKernels<Place>::forward(entries(a), entries(b), entries(y));
    }
    /// The same, as a new tensor. @throws ShapeError
    static Tensor add_forward(const Tensor& a, const Tensor& b) {
        Tensor y;
        add_forward(a, b, y);
        return y;
    }

    /// da = dy and db = dy; one of them may be dy. @throws AliasError
    static void add_backward(const Tensor& dy, Tensor& da, Tensor& db) {
        require_apart("add_backward", {"da", da}, {{"db", db}});
        for (Tensor* gradient : {&da, &db}) {
            if (gradient == &dy) { continue; }
            resize(*gradient, dy.shape());
            AddKernels<Place>::copy(entries(dy), entries(*gradient));
        }
    }
    /// The same, as new tensors.
    static AddGradients add_backward(const Tensor& dy) {
        AddGradients result;
        add_backward(dy, result.da, result.db);
        return result;
    }
};

HANDGRAD_CALL_AS(AddOperations, add_forward)
HANDGRAD_CALL_AS(AddOperations, add_backward)

} // namespace handgrad

#include "handgrad/ops/add/reference.hpp" // the kernels of the reference are templates
