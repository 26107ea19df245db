#pragma once
/// @file

#include <string>

#include "handgrad/nn/module.hpp"
#include "handgrad/ops/flatten/flatten.hpp"

namespace handgrad::nn {

/// (N, C, H, W) to (N, C H W), as torch.nn.Flatten with its defaults. Nothing is copied: y is a view of x, dx of dy.
template <class Backend> class Flatten : public Module<Backend> {
public:
    using typename Module<Backend>::Tensor;

    Shape output_shape(const Shape& x) const override { return flatten_shape(x); }
    std::string name() const override { return "Flatten"; }
    std::string arguments() const override { return "start_dim=1, end_dim=-1"; }

protected:
    const Tensor& forward_pass(const Tensor& x) override {
        Backend::flatten_forward(x, y_);
        shape_ = x.shape();
        return y_;
    }

    const Tensor& backward_pass(const Tensor& dy, InputGradient input) override {
        if (input == InputGradient::needed) { Backend::flatten_backward(dy, shape_, dx_); }
        return dx_;
    }

private:
    Shape shape_;
    Tensor y_, dx_;
};

} // namespace handgrad::nn
