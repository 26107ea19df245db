#pragma once
/// @file
/// # Dropout
///
/// **Formulas.** Each number is kept with probability 1 - p, independently of all others, and then divided by 1 - p:
/// \f[ y_i = \frac{1[u_i \ge p]}{1 - p}\, x_i, \qquad dx_i = \frac{1[u_i \ge p]}{1 - p}\, dy_i, \f]
/// with \f$ u_i \f$ uniform on [0, 1). So the expected value of y is x, and evaluation computes y = x without this
/// operation ("inverted" dropout).
///
/// \f$ u_i \f$ is random_uniform(seed, purpose, step, i) of tensor/philox.hpp, where i is the position in row-major
/// order. It is a function of these four numbers alone: every backend drops the same numbers on any number of threads,
/// and backward computes the mask of forward again instead of storing it.
///
/// **Shapes.** All tensors have the same shape, of any rank.
///
/// **Memory.** Backward needs neither x nor y, but the same p and the same counter as forward. y may be x, and dx may
/// be dy.
///
/// **Errors.** Throws ShapeError unless p is at least 0 and less than 1. With p = 1 nothing would be left; PyTorch
/// accepts it and returns zeros.
///
/// **Source.** Srivastava, Hinton, Krizhevsky, Sutskever, Salakhutdinov, Dropout: A Simple Way to Prevent Neural
/// Networks from Overfitting, JMLR 15 (2014); torch.nn.functional.dropout.
//
// The derivation, step by step: dropout.md.

#include <cstdint>

#include "handgrad/ops/contract.hpp"

namespace handgrad {

/// What the mask of a dropout is computed from.
struct DropoutCounter {
    std::uint64_t seed;    ///< of the run
    std::uint32_t purpose; ///< differs from layer to layer
    std::uint32_t step;    ///< differs from mini-batch to mini-batch
};

/// The kernels of dropout, on all entries of tensors of one shape.
template <class Place> struct DropoutKernels {
    /// y_i = x_i / (1 - p) where u_i >= p, else 0 times x_i. Backward is the same function of dy.
    template <class T>
    static void apply(VectorView<const T> x, double p, const DropoutCounter& counter, VectorView<T> y);
};

/// Throws ShapeError unless 0 <= p < 1: "dropout_forward: p is 1, expected at least 0 and less than 1".
void require_probability(std::string_view where, double p);

/// Dropout, for all backends.
template <class Place, class T> struct DropoutOperations {
    using Tensor = TensorOf<Place, T>; ///< type of an array

    /// y of the shape of x; y may be x. @throws ShapeError
    static void dropout_forward(const Tensor& x, double p, const DropoutCounter& counter, Tensor& y) {
        require_probability("dropout_forward", p);
        resize(y, x.shape());
        DropoutKernels<Place>::apply(entries(x), p, counter, entries(y));
    }
    /// The same, as a new tensor. @throws ShapeError
    static Tensor dropout_forward(const Tensor& x, double p, const DropoutCounter& counter) {
        Tensor y;
        dropout_forward(x, p, counter, y);
        return y;
    }

    /// dx, from p and the counter of forward; dx may be dy. @throws ShapeError
    static void dropout_backward(const Tensor& dy, double p, const DropoutCounter& counter, Tensor& dx) {
        require_probability("dropout_backward", p);
        resize(dx, dy.shape());
        DropoutKernels<Place>::apply(entries(dy), p, counter, entries(dx));
    }
    /// The same, as a new tensor. @throws ShapeError
    static Tensor dropout_backward(const Tensor& dy, double p, const DropoutCounter& counter) {
        Tensor dx;
        dropout_backward(dy, p, counter, dx);
        return dx;
    }
};

HANDGRAD_CALL_AS(DropoutOperations, dropout_forward)
HANDGRAD_CALL_AS(DropoutOperations, dropout_backward)

} // namespace handgrad

#include "handgrad/ops/dropout/reference.hpp" // the kernels of the reference are templates
