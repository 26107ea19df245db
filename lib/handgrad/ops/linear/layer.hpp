#pragma once
/// @file

#include <string>
#include <utility>

#include "handgrad/nn/module.hpp"
#include "handgrad/ops/linear/linear.hpp"
#include "handgrad/tensor/random.hpp"

namespace handgrad::nn {

/// y = x w + b, as torch.nn.Linear, but with the weight transposed, as in the lecture: weight (D_in, D_out), bias
/// (D_out,). Without a bias its shape is (0,), and it is no parameter.
///
/// Both are initialised uniformly within 1/sqrt(D_in), as in PyTorch. Derivation: linear.md.
template <class Backend> class Linear : public Module<Backend> {
public:
    using typename Module<Backend>::Tensor;

    Parameter<Backend> weight; ///< (D_in, D_out)
    Parameter<Backend> bias;   ///< (D_out,) or (0,)

    /// @throws ShapeError if a number is less than 1 (PyTorch accepts 0, with a warning)
    Linear(std::size_t in_features, std::size_t out_features, Random& random, bool with_bias = true) {
        require_at_least("Linear", "in_features", in_features, 1);
        require_at_least("Linear", "out_features", out_features, 1);
        using T = typename Backend::Scalar;
        auto w = zeros<T>({in_features, out_features}), b = zeros<T>({with_bias ? out_features : 0});
        weight.grad = Backend::from_host(w);
        bias.grad = Backend::from_host(b);
        fan_in_uniform_(w, in_features, random);
        weight.value = Backend::from_host(std::move(w));
        this->register_parameter("weight", weight);
        if (with_bias) {
            fan_in_uniform_(b, in_features, random);
            this->register_parameter("bias", bias);
        } else {
            no_bias_ = Backend::from_host(zeros<T>({out_features}));
        }
        bias.value = Backend::from_host(std::move(b));
    }

    Shape output_shape(const Shape& x) const override {
        return linear_shape("linear_forward", x, weight.value.shape());
    }
    std::string name() const override { return "Linear"; }
    std::string arguments() const override {
        return "in_features=" + std::to_string(weight.value.shape(0)) +
               ", out_features=" + std::to_string(weight.value.shape(1)) +
               (has_bias() ? ", bias=True" : ", bias=False");
    }

protected:
    /// y = x w + b, x (..., in_features).
    const Tensor& forward_pass(const Tensor& x) override {
        Backend::linear_forward(x, weight.value, has_bias() ? bias.value : no_bias_, y_);
        x_ = &x;
        return y_;
    }

    /// Adds to the gradients of weight and bias, and computes dx if it is needed.
    const Tensor& backward_pass(const Tensor& dy, InputGradient input) override {
        Backend::linear_backward_weight(*x_, dy, weight.grad, Accumulate::yes);
        if (has_bias()) { Backend::linear_backward_bias(dy, bias.grad, Accumulate::yes); }
        if (input == InputGradient::needed) { Backend::linear_backward_input(dy, weight.value, dx_); }
        return dx_;
    }

private:
    const Tensor* x_ = nullptr;
    Tensor y_, dx_, no_bias_; // without a bias zeros are added

    bool has_bias() const { return bias.value.size() > 0; }
};

} // namespace handgrad::nn
