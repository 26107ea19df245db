#pragma once
/// @file
/// # Batch normalisation
///
/// x is a mini-batch (N, C), or one of images (N, C, H, W), or has any other axes after that of the C channels. Channel
/// c has m numbers, m = N for (N, C) and m = N H W for images; i numbers them.
///
/// **Formulas.** Forward in training, for each channel,
/// \f[ \mu_c = \frac1m \sum_i x_{ci}, \quad \sigma_c^2 = \frac1m \sum_i (x_{ci} - \mu_c)^2, \quad
///     \text{rstd}_c = (\sigma_c^2 + \epsilon)^{-1/2}, \quad \hat x_{ci} = (x_{ci} - \mu_c)\, \text{rstd}_c, \quad
///     y_{ci} = \hat x_{ci}\, w_c + b_c. \f]
/// Backward in training,
/// \f[ dx_{ci} = w_c\, \text{rstd}_c \Bigl( dy_{ci} - \frac1m \sum_j dy_{cj}
///               - \hat x_{ci}\, \frac1m \sum_j dy_{cj}\, \hat x_{cj} \Bigr), \qquad
///     dw_c = \sum_i dy_{ci}\, \hat x_{ci}, \qquad db_c = \sum_i dy_{ci}. \f]
///
/// Every training step moves the running statistics, with momentum \f$ \beta \f$:
/// \f[ \mu^\text{run}_c \leftarrow (1 - \beta)\, \mu^\text{run}_c + \beta\, \mu_c, \qquad
///     v^\text{run}_c \leftarrow (1 - \beta)\, v^\text{run}_c + \beta\, \frac{m}{m - 1}\, \sigma_c^2. \f]
/// The factor m / (m - 1) makes the variance unbiased; y uses the biased one.
///
/// Evaluation replaces mean and variance by the running ones, which do not depend on x:
/// \f$ \text{rstd}_c = (v^\text{run}_c + \epsilon)^{-1/2} \f$ and
/// \f$ \hat x_{ci} = (x_{ci} - \mu^\text{run}_c)\, \text{rstd}_c \f$, so
/// \f$ dx_{ci} = w_c\, \text{rstd}_c\, dy_{ci} \f$; y, dw and db have the formulas of training.
///
/// The variance is computed from the differences to the mean, as in layer_norm.hpp.
///
/// **Shapes.**
/// | name                      | shape       | meaning |
/// | ------------------------- | ----------- | ------- |
/// | x, dx, y, dy              | (N, C, ...) | input, result, and the loss's gradients with respect to them |
/// | w, dw, b, db              | (C,)        | scale and shift of every channel, and dL/dw, dL/db |
/// | mean, var, rstd           | (C,)        | mean, biased variance and rstd of every channel |
/// | dy_mean, dyx_mean         | (C,)        | the means of dy and of dy times x_hat, which dx needs |
/// | running_mean, running_var | (C,)        | the running statistics, with the unbiased variance |
/// | batches                   | ()          | number of training steps, num_batches_tracked of PyTorch |
///
/// **Memory.** Backward needs x, w, mean and rstd. No result may replace an argument.
///
/// **Errors.** Throws ShapeError if the shapes do not fit, eps is negative, the momentum is outside [0, 1], or a
/// channel has fewer than two numbers in training; AliasError if a result shares memory with an argument or another
/// result of the same call.
///
/// **Source.** Ioffe, Szegedy, Batch Normalization (2015), arXiv:1502.03167; torch.nn.functional.batch_norm.
//
// The derivation, step by step: batch_norm.md.

#include "handgrad/ops/contract.hpp"

namespace handgrad {

/// A tensor (N, C, ...) as N times C planes of S numbers each: (N, C, S, 1), with S = 1 for (N, C).
template <class Tensor> auto planes(Tensor& x) -> ImagesView<std::remove_pointer_t<decltype(x.data())>> {
    const Shape& shape = x.shape();
    std::size_t size = 1;
    for (std::size_t axis = 2; axis < shape.size(); ++axis) { size *= shape[axis]; }
    return {x.data(), shape[0], shape[1], size, 1};
}

/// The kernels of batch_norm, on planes (N, C, S, 1) with at least one channel.
template <class Place> struct BatchNormKernels {
    /// y, mean, var and rstd; a channel has at least two numbers.
    template <class T> static void forward(ImagesView<const T> x, VectorView<const T> w, VectorView<const T> b,
                                           double eps, ImagesView<T> y, VectorView<T> mean, VectorView<T> var,
                                           VectorView<T> rstd);
    /// y and rstd, from a given mean and variance.
    template <class T> static void eval_forward(ImagesView<const T> x, VectorView<const T> w, VectorView<const T> b,
                                                VectorView<const T> mean, VectorView<const T> var, double eps,
                                                ImagesView<T> y, VectorView<T> rstd);
    /// dw and db, overwritten or added to, and the means of dy and dy x_hat, which are 0 for a batch of nothing.
    template <class T> static void backward_parameters(ImagesView<const T> x, VectorView<const T> mean,
                                                       VectorView<const T> rstd, ImagesView<const T> dy,
                                                       VectorView<T> dw, VectorView<T> db, VectorView<T> dy_mean,
                                                       VectorView<T> dyx_mean, Accumulate mode);
    /// dx in training.
    template <class T> static void backward_input(ImagesView<const T> x, VectorView<const T> w,
                                                  VectorView<const T> mean, VectorView<const T> rstd,
                                                  VectorView<const T> dy_mean, VectorView<const T> dyx_mean,
                                                  ImagesView<const T> dy, ImagesView<T> dx);
    /// dx in evaluation.
    template <class T> static void eval_backward_input(VectorView<const T> w, VectorView<const T> rstd,
                                                       ImagesView<const T> dy, ImagesView<T> dx);
    /// The running statistics after one more step, whose channels have m numbers each.
    template <class T> static void update(VectorView<const T> mean, VectorView<const T> var, std::size_t m,
                                          double momentum, VectorView<T> running_mean, VectorView<T> running_var,
                                          VectorView<T> batches);
};

/// Throws ShapeError unless x has the shape (N, C, ...) with at least one channel.
void require_channels(std::string_view where, const Shape& x, std::string_view what = "x");
/// Throws ShapeError if a channel of x has fewer than two numbers:
/// "batch_norm_forward: x has shape (1, 3), expected more than 1 value per channel when training".
void require_several_values(std::string_view where, const Shape& x);
/// Throws ShapeError for a momentum outside [0, 1].
void require_momentum(std::string_view where, double momentum);

/// The results of batch_norm_forward.
template <class Tensor> struct BatchNormResult {
    Tensor y;    ///< (N, C, ...)
    Tensor mean; ///< (C,), mu of every channel
    Tensor var;  ///< (C,), the biased variance of every channel
    Tensor rstd; ///< (C,), r of every channel
};

/// Batch normalisation, for all backends.
template <class Place, class T> struct BatchNormOperations {
    using Tensor = TensorOf<Place, T>; ///< type of an array

    using BatchNormResult = handgrad::BatchNormResult<Tensor>; ///< type of all results together

    /// y, mean, var and rstd of x (N, C, ...) in training, with w and b (C,); eps, at least 0, is added to the
    /// variance. @throws ShapeError, AliasError
    static void batch_norm_forward(const Tensor& x, const Tensor& w, const Tensor& b, double eps, Tensor& y,
                                   Tensor& mean, Tensor& var, Tensor& rstd) {
        const auto where = "batch_norm_forward";
        require_apart(where, {"y", y}, {{"x", x}, {"w", w}, {"b", b}, {"mean", mean}, {"var", var}, {"rstd", rstd}});
        require_apart(where, {"mean", mean}, {{"x", x}, {"w", w}, {"b", b}, {"var", var}, {"rstd", rstd}});
        require_apart(where, {"var", var}, {{"x", x}, {"w", w}, {"b", b}, {"rstd", rstd}});
        require_apart(where, {"rstd", rstd}, {{"x", x}, {"w", w}, {"b", b}});
        require_channels(where, x.shape());
        require_per_channel(where, x.shape(), {{"w", w}, {"b", b}});
        require_eps(where, eps);
        require_several_values(where, x.shape());
        resize(y, x.shape());
        for (Tensor* statistic : {&mean, &var, &rstd}) { resize(*statistic, {x.shape()[1]}); }
        BatchNormKernels<Place>::forward(planes(x), entries(w), entries(b), eps, planes(y), entries(mean), entries(var),
                                         entries(rstd));
    }
    /// The same, as new tensors.
    static BatchNormResult batch_norm_forward(const Tensor& x, const Tensor& w, const Tensor& b, double eps) {
        BatchNormResult result;
        batch_norm_forward(x, w, b, eps, result.y, result.mean, result.var, result.rstd);
        return result;
    }

    /// y and rstd of x (N, C, ...) in evaluation, from the running mean and variance (C,). @throws ShapeError,
    /// AliasError
    static void batch_norm_eval_forward(const Tensor& x, const Tensor& w, const Tensor& b, const Tensor& mean,
                                        const Tensor& var, double eps, Tensor& y, Tensor& rstd) {
        const auto where = "batch_norm_eval_forward";
        require_apart(where, {"y", y}, {{"x", x}, {"w", w}, {"b", b}, {"mean", mean}, {"var", var}, {"rstd", rstd}});
        require_apart(where, {"rstd", rstd}, {{"x", x}, {"w", w}, {"b", b}, {"mean", mean}, {"var", var}});
        require_channels(where, x.shape());
        require_per_channel(where, x.shape(), {{"w", w}, {"b", b}, {"mean", mean}, {"var", var}});
        require_eps(where, eps);
        resize(y, x.shape());
        resize(rstd, {x.shape()[1]});
        BatchNormKernels<Place>::eval_forward(planes(x), entries(w), entries(b), entries(mean), entries(var), eps,
                                              planes(y), entries(rstd));
    }

    /// dw and db, (C,) both, overwritten or added to; and dy_mean and dyx_mean, (C,), overwritten, for dx. The mean and
    /// rstd are those that forward has used, in training or in evaluation. @throws ShapeError, AliasError
    static void batch_norm_backward_parameters(const Tensor& x, const Tensor& mean, const Tensor& rstd,
                                               const Tensor& dy, Tensor& dw, Tensor& db, Tensor& dy_mean,
                                               Tensor& dyx_mean, Accumulate mode = Accumulate::no) {
        const auto where = "batch_norm_backward_parameters";
        require_apart(where, {"dw", dw},
                      {{"x", x},
                       {"mean", mean},
                       {"rstd", rstd},
                       {"dy", dy},
                       {"db", db},
                       {"dy_mean", dy_mean},
                       {"dyx_mean", dyx_mean}});
        require_apart(
            where, {"db", db},
            {{"x", x}, {"mean", mean}, {"rstd", rstd}, {"dy", dy}, {"dy_mean", dy_mean}, {"dyx_mean", dyx_mean}});
        require_apart(where, {"dy_mean", dy_mean},
                      {{"x", x}, {"mean", mean}, {"rstd", rstd}, {"dy", dy}, {"dyx_mean", dyx_mean}});
        require_apart(where, {"dyx_mean", dyx_mean}, {{"x", x}, {"mean", mean}, {"rstd", rstd}, {"dy", dy}});
        require_channels(where, x.shape());
        require_per_channel(where, x.shape(), {{"mean", mean}, {"rstd", rstd}});
        require_shape(where, "dy", dy.shape(), x.shape());
        prepare_gradient(where, "dw", dw, {x.shape()[1]}, mode);
        prepare_gradient(where, "db", db, {x.shape()[1]}, mode);
        resize(dy_mean, {x.shape()[1]});
        resize(dyx_mean, {x.shape()[1]});
        BatchNormKernels<Place>::backward_parameters(planes(x), entries(mean), entries(rstd), planes(dy), entries(dw),
                                                     entries(db), entries(dy_mean), entries(dyx_mean), mode);
    }

    /// dx, (N, C, ...), overwritten, in training. dy_mean and dyx_mean are those of batch_norm_backward_parameters.
    /// @throws ShapeError, AliasError
    static void batch_norm_backward_input(const Tensor& x, const Tensor& w, const Tensor& mean, const Tensor& rstd,
                                          const Tensor& dy_mean, const Tensor& dyx_mean, const Tensor& dy, Tensor& dx) {
        const auto where = "batch_norm_backward_input";
        require_apart(where, {"dx", dx},
                      {{"x", x},
                       {"w", w},
                       {"mean", mean},
                       {"rstd", rstd},
                       {"dy_mean", dy_mean},
                       {"dyx_mean", dyx_mean},
                       {"dy", dy}});
        require_channels(where, x.shape());
        require_per_channel(where, x.shape(),
                            {{"w", w}, {"mean", mean}, {"rstd", rstd}, {"dy_mean", dy_mean}, {"dyx_mean", dyx_mean}});
        require_shape(where, "dy", dy.shape(), x.shape());
        resize(dx, x.shape());
        BatchNormKernels<Place>::backward_input(planes(x), entries(w), entries(mean), entries(rstd), entries(dy_mean),
                                                entries(dyx_mean), planes(dy), planes(dx));
    }
    /// The same, as a new tensor.
    static Tensor batch_norm_backward_input(const Tensor& x, const Tensor& w, const Tensor& mean, const Tensor& rstd,
                                            const Tensor& dy_mean, const Tensor& dyx_mean, const Tensor& dy) {
        Tensor dx;
        batch_norm_backward_input(x, w, mean, rstd, dy_mean, dyx_mean, dy, dx);
        return dx;
    }

    /// dx, (N, C, ...), overwritten, in evaluation. @throws ShapeError, AliasError
    static void batch_norm_eval_backward_input(const Tensor& w, const Tensor& rstd, const Tensor& dy, Tensor& dx) {
        const auto where = "batch_norm_eval_backward_input";
        require_apart(where, {"dx", dx}, {{"w", w}, {"rstd", rstd}, {"dy", dy}});
        require_channels(where, dy.shape(), "dy");
        require_per_channel(where, dy.shape(), {{"w", w}, {"rstd", rstd}});
        resize(dx, dy.shape());
        BatchNormKernels<Place>::eval_backward_input(entries(w), entries(rstd), planes(dy), planes(dx));
    }
    /// The same, as a new tensor.
    static Tensor batch_norm_eval_backward_input(const Tensor& w, const Tensor& rstd, const Tensor& dy) {
        Tensor dx;
        batch_norm_eval_backward_input(w, rstd, dy, dx);
        return dx;
    }

    /// Moves the running statistics (C,) by the mean and var (C,) of a training step whose channels have m numbers, at
    /// least 2, each; adds 1 to batches (). @throws ShapeError, AliasError
    static void batch_norm_update(const Tensor& mean, const Tensor& var, std::size_t m, double momentum,
                                  Tensor& running_mean, Tensor& running_var, Tensor& batches) {
        const auto where = "batch_norm_update";
        require_apart(where, {"running_mean", running_mean},
                      {{"mean", mean}, {"var", var}, {"running_var", running_var}, {"batches", batches}});
        require_apart(where, {"running_var", running_var}, {{"mean", mean}, {"var", var}, {"batches", batches}});
        require_apart(where, {"batches", batches}, {{"mean", mean}, {"var", var}});
        require_rank(where, "mean", mean.shape(), {"C"});
        require_shape(where, "var", var.shape(), mean.shape());
        require_shape(where, "running_mean", running_mean.shape(), mean.shape());
        require_shape(where, "running_var", running_var.shape(), mean.shape());
        require_shape(where, "batches", batches.shape(), {});
        require_at_least(where, "m", m, 2);
        require_momentum(where, momentum);
        BatchNormKernels<Place>::update(entries(mean), entries(var), m, momentum, entries(running_mean),
                                        entries(running_var), entries(batches));
    }

private:
    struct PerChannel {
        std::string_view name;
        const Tensor& tensor;
    };
    static void require_per_channel(std::string_view where, const Shape& x, std::initializer_list<PerChannel> tensors) {
        for (const PerChannel& each : tensors) { require_shape(where, each.name, each.tensor.shape(), {x[1]}); }
    }
};

HANDGRAD_CALL_AS(BatchNormOperations, batch_norm_forward)
HANDGRAD_CALL_AS(BatchNormOperations, batch_norm_eval_forward)
HANDGRAD_CALL_AS(BatchNormOperations, batch_norm_backward_parameters)
HANDGRAD_CALL_AS(BatchNormOperations, batch_norm_backward_input)
HANDGRAD_CALL_AS(BatchNormOperations, batch_norm_eval_backward_input)
HANDGRAD_CALL_AS(BatchNormOperations, batch_norm_update)

} // namespace handgrad

#include "handgrad/ops/batch_norm/reference.hpp" // the kernels of the reference are templates
