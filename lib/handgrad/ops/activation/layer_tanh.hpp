#pragma once
/// @file

#include <string>

#include "handgrad/nn/module.hpp"

namespace handgrad::nn {

/// y = tanh(x), entry by entry, as torch.nn.Tanh. Derivation: contract/activation.hpp.
template <class Backend> class Tanh : public Module<Backend> {
public:
    using typename Module<Backend>::Tensor;
    using Module<Backend>::forward; // the deleted one too

    const Tensor& forward(const Tensor& x) override {
        Backend::tanh_forward(x, y_);
        this->forward_is_done();
        return y_;
    }

    const Tensor& backward(const Tensor& dy, InputGradient input = InputGradient::needed) override {
        this->require_forward();
        if (input == InputGradient::needed) { Backend::tanh_backward(y_, dy, dx_); }
        return dx_;
    }

    std::string name() const override { return "Tanh"; }

private:
    Tensor y_, dx_;
};

} // namespace handgrad::nn
