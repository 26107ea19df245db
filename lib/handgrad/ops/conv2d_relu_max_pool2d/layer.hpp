#pragma once
/// @file

#include "handgrad/nn/sequential.hpp"
#include "handgrad/ops/activation/layer.hpp"
#include "handgrad/ops/conv2d/layer.hpp"
#include "handgrad/ops/conv2d_relu_max_pool2d/conv2d_relu_max_pool2d.hpp"
#include "handgrad/ops/pool2d/layer.hpp"

namespace handgrad::nn {

/// Sequential(Conv2d, ReLU, MaxPool2d(2)) with its three parts, their parameters and their printout, but computed in
/// one pass, as torch.ao.nn.intrinsic.ConvReLU2d in PyTorch.
///
/// The fused operation never writes the large results between the parts to memory. fuse(false) calls the parts one
/// after another instead: slower, with the same numbers up to rounding. Derivation: conv2d_relu_max_pool2d.md.
template <class Backend> class ConvReLUMaxPool2d : public Sequential<Backend> {
public:
    using typename Module<Backend>::Tensor;

    Conv2d<Backend>& conv; ///< the first part, with weight and bias

    /// @throws ShapeError as Conv2d
    ConvReLUMaxPool2d(std::size_t in_channels, std::size_t out_channels, Size2d kernel_size, Random& random,
                      const Conv2dOptions& options = {})
        : conv(this->template add<Conv2d<Backend>>(in_channels, out_channels, kernel_size, random, options)) {
        this->template add<ReLU<Backend>>();
        this->template add<MaxPool2d<Backend>>(2);
    }

    /// Chooses between one pass, the default, and the three parts, from the next forward on.
    void fuse(bool on) { fuse_ = on; }

protected:
    /// Computes y, a quarter of the size of the convolution's result.
    const Tensor& forward_pass(const Tensor& x) override {
        if (!fuse_) {
            const Tensor& y = Sequential<Backend>::forward_pass(x);
            fused_ = false;
            return y;
        }
        Backend::conv2d_relu_max_pool2d_forward(x, conv.weight.value, conv.bias.value, conv.options(), y_, winners_);
        x_ = &x;
        weight_ = watch(conv.weight.value);
        bias_ = watch(conv.bias.value);
        fused_ = true;
        return y_;
    }

    /// Adds to the gradients of the convolution's weight and bias, and computes dx if it is needed.
    const Tensor& backward_pass(const Tensor& dy, InputGradient input) override {
        if (!fused_) { return Sequential<Backend>::backward_pass(dy, input); }
        if (!weight_.is_current() || !bias_.is_current()) {
            detail::refuse_backward(this->name(), detail::Refusal::parameter_changed);
        }
        const Tensor& x = *x_;
        Backend::conv2d_relu_max_pool2d_backward_parameters(x, dy, winners_, conv.weight.value.shape(), conv.options(),
                                                            conv.weight.grad, conv.bias.grad, Accumulate::yes);
        if (input == InputGradient::needed) {
            Backend::conv2d_relu_max_pool2d_backward_input(dy, winners_, conv.weight.value, x.shape(), conv.options(),
                                                           dx_);
        }
        return dx_;
    }

private:
    const Tensor* x_ = nullptr;
    Watch weight_, bias_;
    Tensor y_, winners_, dx_;
    bool fuse_ = true, fused_ = true;
};

} // namespace handgrad::nn
