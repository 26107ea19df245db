#pragma once
/// @file

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "handgrad/nn/module.hpp"

namespace handgrad::nn {

/// Modules one after another, as torch.nn.Sequential: o_0 = x, o_i = module_i(o_{i-1}).
///
/// Backward runs in reverse order: module i+1 returns the gradient with respect to o_i, which is the upstream gradient
/// of module i. That is the chain rule.
template <class Backend> class Sequential : public Module<Backend> {
public:
    using typename Module<Backend>::Tensor;

    /// Appends a module constructed from the arguments, and returns it: `net.template add<nn::Linear<B>>(784, 100,
    /// random)`.
    template <class M, class... Args> M& add(Args&&... args) {
        auto module = std::make_unique<M>(std::forward<Args>(args)...);
        M& added = *module;
        this->register_module(std::to_string(modules_.size()), added);
        if (unlearned_ == modules_.size() && added.parameters().empty()) { ++unlearned_; }
        modules_.push_back(std::move(module));
        return added;
    }

    std::size_t size() const { return modules_.size(); } ///< number of modules
    /// Module i, counted from 0. @throws std::out_of_range if i is not less than size()
    Module<Backend>& operator[](std::size_t i) {
        if (i >= modules_.size()) { detail::refuse_index(i, modules_.size()); }
        return *modules_[i];
    }

    std::string name() const override { return "Sequential"; }

protected:
    const Tensor& forward_pass(const Tensor& x) override {
        const Tensor* o = &x;
        for (const auto& module : modules_) { o = &module->forward(*o); }
        return *o;
    }

    const Tensor& backward_pass(const Tensor& dy, InputGradient input) override {
        const Tensor* g = &dy;
        for (std::size_t i = modules_.size(); i-- > 0;) {
            // If dx is not needed, the modules before the first one with parameters need no gradient either.
            const bool needed = input == InputGradient::needed || i > unlearned_;
            g = &modules_[i]->backward(*g, needed ? InputGradient::needed : InputGradient::not_needed);
            if (!needed) { break; }
        }
        return *g;
    }

private:
    std::vector<std::unique_ptr<Module<Backend>>> modules_;
    std::size_t unlearned_ = 0; // number of modules before the first one with parameters
};

} // namespace handgrad::nn
