#pragma once
/// @file

#include <string>

#include <fmt/format.h>

#include "handgrad/nn/module.hpp"
#include "handgrad/ops/layer_norm/layer_norm.hpp"
#include "handgrad/tensor/tensor.hpp"

namespace handgrad::nn {

/// Normalises every row over its features, then scales and shifts it, as torch.nn.LayerNorm over the last axis.
///
/// The weight is initialised with ones, the bias with zeros; both have shape (D,). Derivation: layer_norm.md.
template <class Backend> class LayerNorm : public Module<Backend> {
public:
    using typename Module<Backend>::Tensor;

    Parameter<Backend> weight; ///< (D,)
    Parameter<Backend> bias;   ///< (D,)

    /// @param features D @param eps added to the variance @throws ShapeError for 0 features or a negative eps
    explicit LayerNorm(std::size_t features, double eps = 1e-5) : eps_(eps) {
        require_at_least("LayerNorm", "features", features, 1);
        require_eps("LayerNorm", eps);
        using T = typename Backend::Scalar;
        weight.value = Backend::from_host(full<T>({features}, T(1)));
        weight.grad = Backend::from_host(zeros<T>({features}));
        bias.value = Backend::from_host(zeros<T>({features}));
        bias.grad = Backend::from_host(zeros<T>({features}));
        this->register_parameter("weight", weight);
        this->register_parameter("bias", bias);
    }

    Shape output_shape(const Shape& x) const override {
        require_rows("LayerNorm", "x", x, "D");
        require_shape("LayerNorm", "x", x, with_last(x, weight.value.shape()[0]));
        return x;
    }
    std::string name() const override { return "LayerNorm"; }
    std::string arguments() const override {
        return fmt::format("({},), eps={}, elementwise_affine=True", weight.value.shape()[0], eps_);
    }

protected:
    /// Computes y, and keeps a pointer to x for backward_pass.
    const Tensor& forward_pass(const Tensor& x) override {
        Backend::layer_norm_forward(x, weight.value, bias.value, eps_, y_, mean_, rstd_);
        x_ = &x;
        return y_;
    }

    /// Adds dw and db to the gradients. Computes dx, if it is needed.
    const Tensor& backward_pass(const Tensor& dy, InputGradient input) override {
        Backend::layer_norm_backward_parameters(*x_, mean_, rstd_, dy, weight.grad, bias.grad, Accumulate::yes);
        if (input == InputGradient::needed) {
            Backend::layer_norm_backward_input(*x_, weight.value, mean_, rstd_, dy, dx_);
        }
        return dx_;
    }

private:
    double eps_;
    const Tensor* x_ = nullptr;
    Tensor y_, mean_, rstd_, dx_;
};

} // namespace handgrad::nn
