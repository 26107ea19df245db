#pragma once
/// @file
/// # Layer normalisation
///
/// **Formulas.** For every row x of D features, with means over the row,
/// \f[ \mu = \frac1D \sum_i x_i, \quad \sigma^2 = \frac1D \sum_i (x_i - \mu)^2, \quad
///     \text{rstd} = (\sigma^2 + \epsilon)^{-1/2}, \f]
/// \f[ \hat x_i = (x_i - \mu)\, \text{rstd}, \quad
///     y_i = \hat x_i\, w_i + b_i, \f]
/// \f[ d\hat x_i = dy_i\, w_i, \qquad
///     dx_j = \text{rstd} \Bigl( d\hat x_j - \frac1D \sum_i d\hat x_i
///            - \hat x_j\, \frac1D \sum_i d\hat x_i\, \hat x_i \Bigr), \f]
/// and summed over all rows n, \f$ dw_i = \sum_n dy_{ni}\, \hat x_{ni} \f$ and \f$ db_i = \sum_n dy_{ni} \f$.
///
/// The variance is computed from the differences to the mean; the difference of the mean of squares and the square of
/// the mean would suffer from cancellation.
///
/// **Shapes.**
/// | name         | shape    | meaning |
/// | ------------ | -------- | ------- |
/// | x, dx, y, dy | (..., D) | rows of features, any rank: input, result, and the loss's gradients with respect to them |
/// | w, dw, b, db | (D,)     | scale and shift of every feature, and dL/dw, dL/db |
/// | mean, rstd   | (...)    | mean and rstd of every row: forward returns them, backward needs them |
///
/// **Memory.** Backward needs x, w, mean and rstd. No result may replace an argument.
///
/// **Errors.** Throws ShapeError if the shapes do not fit, a row has no feature, or eps is negative; AliasError if a
/// result shares memory with an argument or another result of the same call.
///
/// **Source.** Ba, Kiros, Hinton, Layer Normalization (2016), arXiv:1607.06450; torch.nn.functional.layer_norm.
//
// The derivation, step by step: layer_norm.md.

#include "handgrad/ops/contract.hpp"

namespace handgrad {

/// The kernels of layer_norm, on rows with at least one feature.
template <class Place> struct LayerNormKernels {
    /// y, mean and rstd.
    template <class T> static void forward(MatrixView<const T> x, VectorView<const T> w, VectorView<const T> b,
                                           double eps, MatrixView<T> y, VectorView<T> mean, VectorView<T> rstd);
    /// dx.
    template <class T> static void backward_input(MatrixView<const T> x, VectorView<const T> w,
                                                  VectorView<const T> mean, VectorView<const T> rstd,
                                                  MatrixView<const T> dy, MatrixView<T> dx);
    /// dw and db, overwritten or added to.
    template <class T> static void backward_parameters(MatrixView<const T> x, VectorView<const T> mean,
                                                       VectorView<const T> rstd, MatrixView<const T> dy,
                                                       VectorView<T> dw, VectorView<T> db, Accumulate mode);
};

/// The results of layer_norm_forward.
template <class Tensor> struct LayerNormResult {
    Tensor y;    ///< (..., D)
    Tensor mean; ///< (...), mean of every row
    Tensor rstd; ///< (...), rstd of every row
};

/// Layer normalisation, for all backends.
template <class Place, class T> struct LayerNormOperations {
    using Tensor = TensorOf<Place, T>; ///< type of an array

    using LayerNormResult = handgrad::LayerNormResult<Tensor>; ///< type of all results together

    /// y, mean and rstd of x (..., D), with w and b (D,); eps, at least 0, is added to the variance.
    /// @throws ShapeError, AliasError
    static void layer_norm_forward(const Tensor& x, const Tensor& w, const Tensor& b, double eps, Tensor& y,
                                   Tensor& mean, Tensor& rstd) {
        const auto where = "layer_norm_forward";
        require_apart(where, {"y", y}, {{"x", x}, {"w", w}, {"b", b}, {"mean", mean}, {"rstd", rstd}});
        require_apart(where, {"mean", mean}, {{"x", x}, {"w", w}, {"b", b}, {"rstd", rstd}});
        require_apart(where, {"rstd", rstd}, {{"x", x}, {"w", w}, {"b", b}});
        require_features(where, x.shape());
        require_shape(where, "w", w.shape(), {x.shape().back()});
        require_shape(where, "b", b.shape(), {x.shape().back()});
        require_eps(where, eps);
        resize(y, x.shape());
        resize(mean, without_last(x.shape()));
        resize(rstd, without_last(x.shape()));
        LayerNormKernels<Place>::forward(rows(x), entries(w), entries(b), eps, rows(y), entries(mean), entries(rstd));
    }
    /// The same, as new tensors.
    static LayerNormResult layer_norm_forward(const Tensor& x, const Tensor& w, const Tensor& b, double eps) {
        LayerNormResult result;
        layer_norm_forward(x, w, b, eps, result.y, result.mean, result.rstd);
        return result;
    }

    /// dx, (..., D), overwritten. @throws ShapeError, AliasError
    static void layer_norm_backward_input(const Tensor& x, const Tensor& w, const Tensor& mean, const Tensor& rstd,
                                          const Tensor& dy, Tensor& dx) {
        const auto where = "layer_norm_backward_input";
        require_apart(where, {"dx", dx}, {{"x", x}, {"w", w}, {"mean", mean}, {"rstd", rstd}, {"dy", dy}});
        check_backward(where, x, mean, rstd, dy);
        require_shape(where, "w", w.shape(), {x.shape().back()});
        resize(dx, x.shape());
        LayerNormKernels<Place>::backward_input(rows(x), entries(w), entries(mean), entries(rstd), rows(dy), rows(dx));
    }
    /// The same, as a new tensor.
    static Tensor layer_norm_backward_input(const Tensor& x, const Tensor& w, const Tensor& mean, const Tensor& rstd,
                                            const Tensor& dy) {
        Tensor dx;
        layer_norm_backward_input(x, w, mean, rstd, dy, dx);
        return dx;
    }

    /// dw and db, (D,) both, overwritten or added to. @throws ShapeError, AliasError
    static void layer_norm_backward_parameters(const Tensor& x, const Tensor& mean, const Tensor& rstd,
                                               const Tensor& dy, Tensor& dw, Tensor& db,
                                               Accumulate mode = Accumulate::no) {
        const auto where = "layer_norm_backward_parameters";
        require_apart(where, {"dw", dw}, {{"x", x}, {"mean", mean}, {"rstd", rstd}, {"dy", dy}, {"db", db}});
        require_apart(where, {"db", db}, {{"x", x}, {"mean", mean}, {"rstd", rstd}, {"dy", dy}});
        check_backward(where, x, mean, rstd, dy);
        prepare_gradient(where, "dw", dw, {x.shape().back()}, mode);
        prepare_gradient(where, "db", db, {x.shape().back()}, mode);
        LayerNormKernels<Place>::backward_parameters(rows(x), entries(mean), entries(rstd), rows(dy), entries(dw),
                                                     entries(db), mode);
    }

private:
    static void require_features(std::string_view where, const Shape& x) {
        require_rows(where, "x", x, "D");
        require_at_least(where, "the last extent of x", x.back(), 1);
    }
    static void check_backward(std::string_view where, const Tensor& x, const Tensor& mean, const Tensor& rstd,
                               const Tensor& dy) {
        require_features(where, x.shape());
        require_shape(where, "mean", mean.shape(), without_last(x.shape()));
        require_shape(where, "rstd", rstd.shape(), without_last(x.shape()));
        require_shape(where, "dy", dy.shape(), x.shape());
    }
};

HANDGRAD_CALL_AS(LayerNormOperations, layer_norm_forward)
HANDGRAD_CALL_AS(LayerNormOperations, layer_norm_backward_input)
HANDGRAD_CALL_AS(LayerNormOperations, layer_norm_backward_parameters)

} // namespace handgrad

#include "handgrad/ops/layer_norm/reference.hpp" // the kernels of the reference are templates
