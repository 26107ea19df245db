#pragma once
/// @file
/// # Flatten
///
/// **Formulas.** A batch of images becomes a batch of rows, (N, C, H, W) to (N, C H W), the numbers in the same order:
/// \f[ y_{n,\,(c H + h) W + w} = x_{nchw}, \qquad dx_{nchw} = dy_{n,\,(c H + h) W + w}. \f]
///
/// **Shapes.**
/// | name  | shape                     | meaning |
/// | ----- | ------------------------- | ------- |
/// | x, dx | (N, ...), 1 dimension or more | the batch, and dL/dx |
/// | y, dy | (N, D), D the product of the other extents | one row an example, and dL/dy |
///
/// **Memory.** Backward needs the shape of x. Nothing is computed or copied: each result is a view of its argument, and
/// is valid as long as the argument exists and keeps its size. The forms that return a new tensor copy the numbers.
///
/// **Errors.** Throws ShapeError if the shapes do not fit, and AliasError if the result is the argument itself.
//
// The derivation: flatten.md.

#include "handgrad/ops/contract.hpp"

namespace handgrad {

/// Checks x's shape and returns y's, (N, D). @throws ShapeError
Shape flatten_shape(const Shape& x);

/// flatten, for all backends: it has no kernels.
template <class Place, class T> struct FlattenOperations {
    using Tensor = TensorOf<Place, T>; ///< type of an array

    /// Makes y a view of x, (N, ...), as rows (N, D). @throws ShapeError, AliasError
    static void flatten_forward(const Tensor& x, Tensor& y) {
        if (&x == &y) { refuse_overlap("flatten_forward", {"y", y}, {"x", x}); }
        show(y, x, flatten_shape(x.shape()));
    }
    static void flatten_forward(const Tensor&& x, Tensor& y) = delete; ///< a view of a temporary would be invalid
    /// A copy of x as rows.
    static Tensor flatten_forward(const Tensor& x) {
        Tensor view;
        flatten_forward(x, view);
        return Tensor(std::as_const(view));
    }

    /// Makes dx a view of dy, (N, D), in the shape of x. @throws ShapeError, AliasError
    static void flatten_backward(const Tensor& dy, const Shape& shape_of_x, Tensor& dx) {
        if (&dy == &dx) { refuse_overlap("flatten_backward", {"dx", dx}, {"dy", dy}); }
        require_shape("flatten_backward", "dy", dy.shape(), flatten_shape(shape_of_x));
        show(dx, dy, shape_of_x);
    }
    static void flatten_backward(const Tensor&& dy, const Shape& shape_of_x,
                                 Tensor& dx) = delete; ///< a view of a temporary would be invalid
    /// A copy of dy in the shape of x.
    static Tensor flatten_backward(const Tensor& dy, const Shape& shape_of_x) {
        Tensor view;
        flatten_backward(dy, shape_of_x, view);
        return Tensor(std::as_const(view));
    }
};

HANDGRAD_CALL_AS(FlattenOperations, flatten_forward)
HANDGRAD_CALL_AS(FlattenOperations, flatten_backward)

} // namespace handgrad
