#pragma once
/// @file

#include <string>

#include "handgrad/nn/module.hpp"

namespace handgrad::nn {

/// y = max(x, 0), entry by entry, as torch.nn.ReLU. Derivation: contract/activation.hpp.
template <class Backend> class ReLU : public Module<Backend> {
public:
    using typename Module<Backend>::Tensor;
    using Module<Backend>::forward; // the deleted one too

    /// y = max(x, 0), any shape.
    const Tensor& forward(const Tensor& x) override {
        Backend::relu_forward(x, y_);
        x_ = &x;
        this->forward_is_done();
        return y_;
    }

    /// dx = dy where x > 0, else 0.
    const Tensor& backward(const Tensor& dy, InputGradient input = InputGradient::needed) override {
        this->require_forward();
        if (input == InputGradient::needed) { Backend::relu_backward(*x_, dy, dx_); }
        return dx_;
    }

    std::string name() const override { return "ReLU"; }

private:
    const Tensor* x_ = nullptr;
    Tensor y_, dx_;
};

} // namespace handgrad::nn
