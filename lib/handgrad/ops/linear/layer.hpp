#pragma once
/// @file

#include <string>
#include <utility>

#include "handgrad/nn/module.hpp"
#include "handgrad/ops/linear/linear.hpp"
#include "handgrad/tensor/random.hpp"

namespace handgrad::nn {

/// y = x w + b, as torch.nn.Linear, but with the weight transposed, as in the lecture: weight (D_in, D_out), bias
/// (D_out,).
///
/// Both are initialised uniformly within 1/sqrt(D_in), as in PyTorch. Derivation: linear.md.
template <class Backend> class Linear : public Module<Backend> {
public:
    using typename Module<Backend>::Tensor;

    Parameter<Backend> weight; ///< (D_in, D_out)
    Parameter<Backend> bias;   ///< (D_out,)

    /// @throws ShapeError if a number is less than 1 (PyTorch accepts 0, with a warning)
    Linear(std::size_t in_features, std::size_t out_features, Random& random) {
        require_at_least("Linear", "in_features", in_features, 1);
        require_at_least("Linear", "out_features", out_features, 1);
        using T = typename Backend::Scalar;
        auto w = zeros<T>({in_features, out_features}), b = zeros<T>({out_features});
        weight.grad = Backend::from_host(w);
        bias.grad = Backend::from_host(b);
        fan_in_uniform_(w, in_features, random);
        fan_in_uniform_(b, in_features, random);
        weight.value = Backend::from_host(std::move(w));
        bias.value = Backend::from_host(std::move(b));
        this->register_parameter("weight", weight);
        this->register_parameter("bias", bias);
    }

    Shape output_shape(const Shape& x) const override {
        return linear_shape("linear_forward", x, weight.value.shape());
    }
    std::string name() const override { return "Linear"; }
    std::string arguments() const override {
        return "in_features=" + std::to_string(weight.value.shape(0)) +
               ", out_features=" + std::to_string(weight.value.shape(1)) + ", bias=True";
    }

protected:
    /// y = x w + b, x (..., in_features).
    const Tensor& forward_pass(const Tensor& x) override {
        Backend::linear_forward(x, weight.value, bias.value, y_);
        x_ = &x;
        return y_;
    }

    /// Adds to the gradients of weight and bias, and computes dx if it is needed.
    const Tensor& backward_pass(const Tensor& dy, InputGradient input) override {
        Backend::linear_backward_weight(*x_, dy, weight.grad, Accumulate::yes);
        Backend::linear_backward_bias(dy, bias.grad, Accumulate::yes);
        if (input == InputGradient::needed) { Backend::linear_backward_input(dy, weight.value, dx_); }
        return dx_;
    }

private:
    const Tensor* x_ = nullptr;
    Tensor y_, dx_;
};

} // namespace handgrad::nn
