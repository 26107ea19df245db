#pragma once
/// @file

#include <memory>
#include <string>
#include <utility>

#include "handgrad/error.hpp"
#include "handgrad/nn/module.hpp"
#include "handgrad/ops/add/add.hpp"

namespace handgrad::nn {

/// A residual connection: y = body(x) + shortcut(x), or y = body(x) + x without a shortcut. Backward adds up the
/// gradients of both ways. Derivation: add.md.
template <class Backend> class Residual : public Module<Backend> {
public:
    using typename Module<Backend>::Tensor;

    /// @param body the layers @param shortcut what x goes through beside them, or nothing
    explicit Residual(std::unique_ptr<Module<Backend>> body, std::unique_ptr<Module<Backend>> shortcut = nullptr)
        : body_(std::move(body)), shortcut_(std::move(shortcut)) {
        require<std::invalid_argument>(body_ != nullptr, "Residual: body is missing, expected a module");
        this->register_module("body", *body_);
        if (shortcut_) { this->register_module("shortcut", *shortcut_); }
    }

    Shape output_shape(const Shape& x) const override {
        const Shape y = body_->output_shape(x), beside = shortcut_ ? shortcut_->output_shape(x) : x;
        require_shape("Residual", "the shortcut's result", beside, y);
        return y;
    }
    std::string name() const override { return "Residual"; }

protected:
    /// Computes y.
    const Tensor& forward_pass(const Tensor& x) override {
        const Tensor& y = body_->forward(x);
        const Tensor& beside = shortcut_ ? shortcut_->forward(x) : x;
        require_shape("Residual", "the shortcut's result", beside.shape(), y.shape());
        Backend::add_forward(y, beside, y_);
        return y_;
    }

    /// Both ways have the upstream gradient dy. Computes dx, if it is needed.
    const Tensor& backward_pass(const Tensor& dy, InputGradient input) override {
        const Tensor& of_body = body_->backward(dy, input);
        const Tensor& of_shortcut = shortcut_ ? shortcut_->backward(dy, input) : dy;
        if (input == InputGradient::needed) { Backend::add_forward(of_body, of_shortcut, dx_); }
        return dx_;
    }

private:
    std::unique_ptr<Module<Backend>> body_, shortcut_;
    Tensor y_, dx_;
};

} // namespace handgrad::nn
