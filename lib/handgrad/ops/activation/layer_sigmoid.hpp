#pragma once
/// @file

#include <string>

#include "handgrad/nn/module.hpp"

namespace handgrad::nn {

/// y = 1 / (1 + exp(-x)), entry by entry, as torch.nn.Sigmoid. Derivation: contract/activation.hpp.
template <class Backend> class Sigmoid : public Module<Backend> {
public:
    using typename Module<Backend>::Tensor;
    using Module<Backend>::forward; // the deleted one too

    const Tensor& forward(const Tensor& x) override {
        Backend::sigmoid_forward(x, y_);
        this->forward_is_done();
        return y_;
    }

    const Tensor& backward(const Tensor& dy, InputGradient input = InputGradient::needed) override {
        this->require_forward();
        if (input == InputGradient::needed) { Backend::sigmoid_backward(y_, dy, dx_); }
        return dx_;
    }

    std::string name() const override { return "Sigmoid"; }

private:
    Tensor y_, dx_;
};

} // namespace handgrad::nn
