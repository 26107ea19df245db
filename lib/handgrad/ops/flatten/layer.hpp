#pragma once
/// @file

#include <string>

#include "handgrad/nn/module.hpp"
#include "handgrad/ops/flatten/flatten.hpp"

namespace handgrad::nn {

/// (N, C, H, W) to (N, C H W), as torch.nn.Flatten with its defaults.
template <class Backend> class Flatten : public Module<Backend> {
public:
    using typename Module<Backend>::Tensor;
    using Module<Backend>::forward; // the deleted one too

    const Tensor& forward(const Tensor& x) override {
        Backend::flatten_forward(x, y_);
        shape_ = x.shape();
        this->forward_is_done();
        return y_;
    }

    const Tensor& backward(const Tensor& dy, InputGradient input = InputGradient::needed) override {
        this->require_forward();
        if (input == InputGradient::needed) { Backend::flatten_backward(dy, shape_, dx_); }
        return dx_;
    }

    Shape output_shape(const Shape& x) const override { return check_flatten_forward(x); }
    std::string name() const override { return "Flatten"; }
    std::string arguments() const override { return "start_dim=1, end_dim=-1"; }

private:
    Shape shape_;
    Tensor y_, dx_;
};

} // namespace handgrad::nn
