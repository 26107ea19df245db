#pragma once
/// @file

#include <string>

#include <fmt/format.h>

#include "handgrad/nn/module.hpp"
#include "handgrad/ops/batch_norm/batch_norm.hpp"
#include "handgrad/tensor/tensor.hpp"

namespace handgrad::nn {

/// The options of torch.nn.BatchNorm1d and BatchNorm2d, with PyTorch's defaults.
struct BatchNormOptions {
    double eps = 1e-5;     ///< added to the variance
    double momentum = 0.1; ///< the share of a batch in the running statistics
    bool affine = true;    ///< whether the layer has a weight and a bias; without, they are 1 and 0 and not learned
    bool track_running_stats = true; ///< whether there are running statistics; without, evaluation uses the batch's
};

/// Normalises every channel over the mini-batch: what BatchNorm1d and BatchNorm2d share. In training mode it uses the
/// mean and the variance of the batch, and moves the running statistics; in evaluation mode it uses those.
///
/// The weight starts with ones, the bias with zeros, the running mean with zeros, the running variance with ones. The
/// running statistics and the number of steps are buffers: a checkpoint has them. Derivation: batch_norm.md.
template <class Backend> class BatchNorm : public Module<Backend> {
public:
    using typename Module<Backend>::Tensor;

    Parameter<Backend> weight;  ///< (C,)
    Parameter<Backend> bias;    ///< (C,)
    Tensor running_mean;        ///< (C,)
    Tensor running_var;         ///< (C,), unbiased
    Tensor num_batches_tracked; ///< (), the number of forward passes in training mode

    Shape output_shape(const Shape& x) const override {
        const std::string where = this->name();
        require_shape_of_input(where, x);
        Shape expected = x;
        expected[1] = features_;
        require_shape(where, "x", x, expected);
        return x;
    }
    std::string arguments() const override {
        const auto python = [](bool value) { return value ? "True" : "False"; };
        return fmt::format("{}, eps={}, momentum={}, affine={}, track_running_stats={}", features_, options_.eps,
                           options_.momentum, python(options_.affine), python(options_.track_running_stats));
    }

protected:
    /// @throws ShapeError for 0 features, a negative eps, or a momentum outside [0, 1]
    BatchNorm(const std::string& where, std::size_t features, const BatchNormOptions& options)
        : features_(features), options_(options) {
        require_at_least(where, "num_features", features, 1);
        require_eps(where, options.eps);
        require_momentum(where, options.momentum);
        using T = typename Backend::Scalar;
        const auto tensor = [&](double value) { return Backend::from_host(full<T>({features}, T(value))); };
        weight = {tensor(1), tensor(0)};
        bias = {tensor(0), tensor(0)};
        if (options.affine) {
            this->register_parameter("weight", weight);
            this->register_parameter("bias", bias);
        }
        if (options.track_running_stats) {
            running_mean = tensor(0);
            running_var = tensor(1);
            num_batches_tracked = Backend::from_host(zeros<T>({}));
            this->register_buffer("running_mean", running_mean);
            this->register_buffer("running_var", running_var);
            this->register_buffer("num_batches_tracked", num_batches_tracked);
        }
    }

    /// Throws ShapeError unless x has a rank that the layer takes.
    virtual void require_shape_of_input(const std::string& where, const Shape& x) const = 0;

    /// Computes y, and keeps a pointer to x for backward_pass. In training mode it moves the running statistics.
    const Tensor& forward_pass(const Tensor& x) override {
        output_shape(x.shape());
        uses_batch_ = this->is_training() || !options_.track_running_stats;
        if (uses_batch_) {
            Backend::batch_norm_forward(x, weight.value, bias.value, options_.eps, y_, mean_, var_, rstd_);
        } else {
            mean_ = running_mean; // a copy: backward needs the one of this forward
            Backend::batch_norm_eval_forward(x, weight.value, bias.value, mean_, running_var, options_.eps, y_, rstd_);
        }
        if (uses_batch_ && options_.track_running_stats) {
            Backend::batch_norm_update(mean_, var_, x.size() / features_, options_.momentum, running_mean, running_var,
                                       num_batches_tracked);
        }
        x_ = &x;
        return y_;
    }

    /// Adds dw and db to the gradients. Computes dx, if it is needed.
    const Tensor& backward_pass(const Tensor& dy, InputGradient input) override {
        Backend::batch_norm_backward_parameters(*x_, mean_, rstd_, dy, weight.grad, bias.grad, dy_mean_, dyx_mean_,
                                                Accumulate::yes);
        if (input == InputGradient::not_needed) { return dx_; }
        if (uses_batch_) {
            Backend::batch_norm_backward_input(*x_, weight.value, mean_, rstd_, dy_mean_, dyx_mean_, dy, dx_);
        } else {
            Backend::batch_norm_eval_backward_input(weight.value, rstd_, dy, dx_);
        }
        return dx_;
    }

private:
    std::size_t features_;
    BatchNormOptions options_;
    bool uses_batch_ = true; // of the last forward
    const Tensor* x_ = nullptr;
    Tensor y_, mean_, var_, rstd_, dy_mean_, dyx_mean_, dx_;
};

/// Normalises features (N, C), or the channels of (N, C, L), as torch.nn.BatchNorm1d.
template <class Backend> class BatchNorm1d : public BatchNorm<Backend> {
public:
    /// @param num_features C @param options with PyTorch's defaults
    /// @throws ShapeError for 0 features, a negative eps, or a momentum outside [0, 1]
    explicit BatchNorm1d(std::size_t num_features, const BatchNormOptions& options = {})
        : BatchNorm<Backend>("BatchNorm1d", num_features, options) {}
    std::string name() const override { return "BatchNorm1d"; }

protected:
    void require_shape_of_input(const std::string& where, const Shape& x) const override {
        require<ShapeError>(x.size() == 2 || x.size() == 3, "{}: x has shape {}, expected (N, C) or (N, C, L)", where,
                            handgrad::to_string(x));
    }
};

/// Normalises the channels of images (N, C, H, W), as torch.nn.BatchNorm2d.
template <class Backend> class BatchNorm2d : public BatchNorm<Backend> {
public:
    /// @param num_features C @param options with PyTorch's defaults
    /// @throws ShapeError for 0 features, a negative eps, or a momentum outside [0, 1]
    explicit BatchNorm2d(std::size_t num_features, const BatchNormOptions& options = {})
        : BatchNorm<Backend>("BatchNorm2d", num_features, options) {}
    std::string name() const override { return "BatchNorm2d"; }

protected:
    void require_shape_of_input(const std::string& where, const Shape& x) const override {
        require_rank(where, "x", x, {"N", "C", "H", "W"});
    }
};

} // namespace handgrad::nn
