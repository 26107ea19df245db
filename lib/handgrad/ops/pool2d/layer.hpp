#pragma once
/// @file

#include <string>

#include "handgrad/error.hpp"
#include "handgrad/nn/module.hpp"
#include "handgrad/ops/pool2d/pool2d.hpp"

namespace handgrad::nn {

/// The argument list that PyTorch prints: "kernel_size=2, stride=2, padding=0, dilation=1, ceil_mode=False".
std::string printed_arguments(const MaxPool2dOptions& options);

/// The argument list that PyTorch prints: "kernel_size=2, stride=2, padding=0".
std::string printed_arguments(const AvgPool2dOptions& options);

/// The largest pixel of each window, as torch.nn.MaxPool2d. Derivation: pool2d.md.
template <class Backend> class MaxPool2d : public Module<Backend> {
public:
    using typename Module<Backend>::Tensor;

    /// Adjacent windows of this size: the stride is the size. @throws ShapeError for a size less than 1
    explicit MaxPool2d(Size2d kernel_size) : MaxPool2d(MaxPool2dOptions(kernel_size)) {}
    /// All options. @throws ShapeError for a number that is too small, or a padding of more than half of the kernel
    explicit MaxPool2d(const MaxPool2dOptions& options) : options_(options) {
        check_pool2d_options("MaxPool2d", options);
    }

    Shape output_shape(const Shape& x) const override { return check_max_pool2d_forward(x, options_); }
    std::string name() const override { return "MaxPool2d"; }
    std::string arguments() const override { return printed_arguments(options_); }

protected:
    const Tensor& forward_pass(const Tensor& x) override {
        Backend::max_pool2d_forward(x, options_, y_, indices_);
        shape_ = x.shape();
        return y_;
    }

    const Tensor& backward_pass(const Tensor& dy, InputGradient input) override {
        if (input == InputGradient::needed) { Backend::max_pool2d_backward(dy, indices_, shape_, dx_); }
        return dx_;
    }

private:
    MaxPool2dOptions options_;
    Shape shape_;
    Tensor y_, dx_;
    typename Backend::Indices indices_;
};

/// The average of each window, as torch.nn.AvgPool2d. Derivation: pool2d.md.
template <class Backend> class AvgPool2d : public Module<Backend> {
public:
    using typename Module<Backend>::Tensor;

    /// Adjacent windows of this size: the stride is the size. @throws ShapeError for a size less than 1
    explicit AvgPool2d(Size2d kernel_size) : AvgPool2d(AvgPool2dOptions(kernel_size)) {}
    /// All options. @throws ShapeError for a number that is too small, or a padding of more than half of the kernel
    explicit AvgPool2d(const AvgPool2dOptions& options) : options_(options) {
        check_pool2d_options("AvgPool2d", options);
    }

    Shape output_shape(const Shape& x) const override { return check_avg_pool2d_forward(x, options_); }
    std::string name() const override { return "AvgPool2d"; }
    std::string arguments() const override { return printed_arguments(options_); }

protected:
    const Tensor& forward_pass(const Tensor& x) override {
        Backend::avg_pool2d_forward(x, options_, y_);
        shape_ = x.shape();
        return y_;
    }

    const Tensor& backward_pass(const Tensor& dy, InputGradient input) override {
        if (input == InputGradient::needed) { Backend::avg_pool2d_backward(dy, shape_, options_, dx_); }
        return dx_;
    }

private:
    AvgPool2dOptions options_;
    Shape shape_;
    Tensor y_, dx_;
};

/// The mean of every channel, (N, C, 1, 1), as torch.nn.AdaptiveAvgPool2d(1): global average pooling. It is average
/// pooling whose window is the whole image. Derivation: pool2d.md.
template <class Backend> class AdaptiveAvgPool2d : public Module<Backend> {
public:
    using typename Module<Backend>::Tensor;

    /// @param output_size 1 @throws ShapeError for another size, which this library does not have
    explicit AdaptiveAvgPool2d(std::size_t output_size = 1) {
        require<ShapeError>(output_size == 1, "AdaptiveAvgPool2d: output_size is {}, expected 1",
                            as_written(output_size));
    }

    Shape output_shape(const Shape& x) const override { return check_avg_pool2d_forward(x, whole_image(x)); }
    std::string name() const override { return "AdaptiveAvgPool2d"; }
    std::string arguments() const override { return "output_size=1"; }

protected:
    const Tensor& forward_pass(const Tensor& x) override {
        Backend::avg_pool2d_forward(x, whole_image(x.shape()), y_);
        shape_ = x.shape();
        return y_;
    }

    const Tensor& backward_pass(const Tensor& dy, InputGradient input) override {
        if (input == InputGradient::needed) { Backend::avg_pool2d_backward(dy, shape_, whole_image(shape_), dx_); }
        return dx_;
    }

private:
    static AvgPool2dOptions whole_image(const Shape& x) {
        require_rank("AdaptiveAvgPool2d", "x", x, {"N", "C", "H", "W"});
        return AvgPool2dOptions(Size2d(x[2], x[3]));
    }

    Shape shape_;
    Tensor y_, dx_;
};

} // namespace handgrad::nn
