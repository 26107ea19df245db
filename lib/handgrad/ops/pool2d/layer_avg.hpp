#pragma once
/// @file

#include <string>

#include "handgrad/nn/module.hpp"
#include "handgrad/ops/pool2d/pool2d.hpp"

namespace handgrad::nn {

/// The argument list that PyTorch prints: "kernel_size=2, stride=2, padding=0".
std::string printed_arguments(const AvgPool2dOptions& options);

/// The average of each window, as torch.nn.AvgPool2d. Derivation: contract/pool2d.hpp.
template <class Backend> class AvgPool2d : public Module<Backend> {
public:
    using typename Module<Backend>::Tensor;
    using Module<Backend>::forward; // the deleted one too

    /// Windows of this size, side by side. @throws ShapeError for a size less than 1
    explicit AvgPool2d(Size2d kernel_size) : AvgPool2d(AvgPool2dOptions(kernel_size)) {}
    /// Everything chosen. @throws ShapeError for a number that is too small, a padding of more than half the kernel
    explicit AvgPool2d(const AvgPool2dOptions& options) : options_(options) {
        check_pool2d_options("AvgPool2d", options);
    }

    const Tensor& forward(const Tensor& x) override {
        Backend::avg_pool2d_forward(x, options_, y_);
        shape_ = x.shape();
        this->forward_is_done();
        return y_;
    }

    const Tensor& backward(const Tensor& dy, InputGradient input = InputGradient::needed) override {
        this->require_forward();
        if (input == InputGradient::needed) { Backend::avg_pool2d_backward(dy, shape_, options_, dx_); }
        return dx_;
    }

    Shape output_shape(const Shape& x) const override { return check_avg_pool2d_forward(x, options_); }
    std::string name() const override { return "AvgPool2d"; }
    std::string arguments() const override { return printed_arguments(options_); }

private:
    AvgPool2dOptions options_;
    Shape shape_;
    Tensor y_, dx_;
};

} // namespace handgrad::nn
