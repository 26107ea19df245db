#pragma once
/// @file

#include <string>
#include <utility>

#include "handgrad/nn/module.hpp"
#include "handgrad/ops/conv2d/conv2d.hpp"
#include "handgrad/tensor/random.hpp"

namespace handgrad::nn {

/// The weight's shape, (C_out, C_in/groups, R, S).
/// @throws ShapeError if a number is too small or groups does not divide both numbers of channels
Shape conv2d_weight_shape(std::size_t in_channels, std::size_t out_channels, Size2d kernel_size,
                          const Conv2dOptions& options);

/// The argument list that PyTorch prints, for a weight of this shape: "1, 10, kernel_size=(5, 5), stride=(1, 1)".
std::string printed_arguments(const Shape& weight, const Conv2dOptions& options, bool bias);

/// y = w * x + b, as torch.nn.Conv2d: weight (C_out, C_in/groups, R, S), bias (C_out,). Without a bias its shape is
/// (0,), and it is no parameter.
///
/// Both are initialised uniformly within 1/sqrt(C_in/groups R S), as in PyTorch. Derivation: conv2d.md.
template <class Backend> class Conv2d : public Module<Backend> {
public:
    using typename Module<Backend>::Tensor;

    Parameter<Backend> weight; ///< (C_out, C_in/groups, R, S)
    Parameter<Backend> bias;   ///< (C_out,) or (0,)

    /// @throws ShapeError if a number is too small or groups does not divide both numbers of channels
    Conv2d(std::size_t in_channels, std::size_t out_channels, Size2d kernel_size, Random& random,
           const Conv2dOptions& options = {}, bool with_bias = true)
        : options_(options) {
        using T = typename Backend::Scalar;
        const Shape shape = conv2d_weight_shape(in_channels, out_channels, kernel_size, options);
        const std::size_t fan_in = shape[1] * shape[2] * shape[3];
        auto w = zeros<T>(shape), b = zeros<T>({with_bias ? out_channels : 0});
        weight.grad = Backend::from_host(w);
        bias.grad = Backend::from_host(b);
        fan_in_uniform_(w, fan_in, random);
        weight.value = Backend::from_host(std::move(w));
        this->register_parameter("weight", weight);
        if (with_bias) {
            fan_in_uniform_(b, fan_in, random);
            this->register_parameter("bias", bias);
        }
        bias.value = Backend::from_host(std::move(b));
    }

    const Conv2dOptions& options() const { return options_; } ///< options of the constructor

    Shape output_shape(const Shape& x) const override {
        return check_conv2d_forward(x, weight.value.shape(), bias.value.shape(), options_);
    }
    std::string name() const override { return "Conv2d"; }
    std::string arguments() const override {
        return printed_arguments(weight.value.shape(), options_, bias.value.size() > 0);
    }

protected:
    /// y = w * x + b, x (N, C_in, H, W).
    const Tensor& forward_pass(const Tensor& x) override {
        Backend::conv2d_forward(x, weight.value, bias.value, options_, y_);
        x_ = &x;
        return y_;
    }

    /// Adds to the gradients of weight and bias, and computes dx if it is needed.
    const Tensor& backward_pass(const Tensor& dy, InputGradient input) override {
        const Tensor& x = *x_;
        Backend::conv2d_backward_weight(x, dy, weight.value.shape(), options_, weight.grad, Accumulate::yes);
        if (bias.value.size() > 0) { Backend::conv2d_backward_bias(dy, bias.grad, Accumulate::yes); }
        if (input == InputGradient::needed) {
            Backend::conv2d_backward_input(dy, weight.value, x.shape(), options_, dx_);
        }
        return dx_;
    }

private:
    Conv2dOptions options_;
    const Tensor* x_ = nullptr;
    Tensor y_, dx_;
};

} // namespace handgrad::nn
