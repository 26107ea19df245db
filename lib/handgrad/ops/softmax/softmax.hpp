#pragma once
/// @file
/// # Softmax
///
/// **Formulas.** For every row n,
/// \f[ p_{nk} = \frac{e^{z_{nk}}}{\sum_j e^{z_{nj}}}, \qquad
///     dz_{nk} = p_{nk} \Bigl( dp_{nk} - \sum_j dp_{nj}\, p_{nj} \Bigr). \f]
/// The row's maximum is subtracted from all z first; it cancels in the fraction, and no exponential can overflow.
///
/// **Shapes.**
/// | name         | shape    | meaning |
/// | ------------ | -------- | ------- |
/// | z, dz        | (..., K) | rows of scores ("logits"), any rank; and dL/dz |
/// | p, dp        | (..., K) | probabilities, each row sums to 1, and dL/dp |
///
/// **Memory.** Backward needs p. In place: p may be z, and dz may be dp or p.
///
/// **Errors.** Throws ShapeError if the shapes do not fit.
///
/// **Source.** Lecture 13, parts B and D.
//
// The derivation, step by step: softmax.md.

#include "handgrad/ops/contract.hpp"

namespace handgrad {

/// The kernels of softmax, on rows with at least one entry.
template <class Place> struct SoftmaxKernels {
    /// p = softmax of each row of z.
    template <class T> static void forward(MatrixView<const T> z, MatrixView<T> p);
    /// dz = p (dp - sum of dp p over the row).
    template <class T> static void backward(MatrixView<const T> p, MatrixView<const T> dp, MatrixView<T> dz);
};

/// Checks for scores (..., K) with K > 0, on behalf of `where`. @throws ShapeError
inline void require_classes(std::string_view where, std::string_view what, const Shape& shape) {
    require_rows(where, what, shape, "K");
    if (shape.back() == 0) {
        throw ShapeError(std::string(where) + ": " + std::string(what) + " has shape " + to_string(shape) +
                         ", expected at least one class");
    }
}

/// softmax, for all backends.
template <class Place, class T> struct SoftmaxOperations {
    using Tensor = TensorOf<Place, T>; ///< type of an array

    /// p = softmax of each row of z, (..., K) both. @throws ShapeError
    static void softmax_forward(const Tensor& z, Tensor& p) {
        require_classes("softmax_forward", "z", z.shape());
        resize(p, z.shape());
        SoftmaxKernels<Place>::forward(rows(z), rows(p));
    }
    /// The same, as a new tensor.
    static Tensor softmax_forward(const Tensor& z) {
        Tensor p;
        softmax_forward(z, p);
        return p;
    }

    /// dz, given p and dp, (..., K) all. @throws ShapeError
    static void softmax_backward(const Tensor& p, const Tensor& dp, Tensor& dz) {
        require_classes("softmax_backward", "p", p.shape());
        require_shape("softmax_backward", "dp", dp.shape(), p.shape());
        resize(dz, p.shape());
        SoftmaxKernels<Place>::backward(rows(p), rows(dp), rows(dz));
    }
    /// The same, as a new tensor.
    static Tensor softmax_backward(const Tensor& p, const Tensor& dp) {
        Tensor dz;
        softmax_backward(p, dp, dz);
        return dz;
    }
};

HANDGRAD_CALL_AS(SoftmaxOperations, softmax_forward)
HANDGRAD_CALL_AS(SoftmaxOperations, softmax_backward)

} // namespace handgrad

#include "handgrad/ops/softmax/reference.hpp" // the kernels of the reference are templates
