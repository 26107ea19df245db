#pragma once
/// @file

#include <string>
#include <type_traits>

#include <fmt/format.h>

#include "handgrad/nn/module.hpp"
#include "handgrad/ops/activation/activation.hpp"

namespace handgrad::nn {

/// y = f(x), entry by entry, for an activation F: the layers ReLU, LeakyReLU, Sigmoid, Tanh, GELU
/// and SiLU. Derivation: activation.md.
template <class Backend, class F> class Activation : public Module<Backend> {
public:
    using typename Module<Backend>::Tensor;

    /// @param f the activation with its options: `LeakyReLU<B>(0.2)` has the negative slope 0.2
    explicit Activation(F f = F()) : f_(f) {}

    std::string name() const override { return F::name; }
    std::string arguments() const override {
        if constexpr (std::is_same_v<F, handgrad::LeakyReLU>) {
            return fmt::format("negative_slope={}", f_.negative_slope);
        } else {
            return {};
        }
    }

protected:
    /// Computes y = f(x), and keeps a pointer to x or y for backward_pass.
    const Tensor& forward_pass(const Tensor& x) override {
        Backend::template activation_forward<F>(x, y_, f_);
        kept_ = F::keeps_input ? &x : &y_;
        return y_;
    }

    /// Computes dx = dy f'(x), if it is needed.
    const Tensor& backward_pass(const Tensor& dy, InputGradient input) override {
        if (input == InputGradient::needed) { Backend::template activation_backward<F>(F::name, *kept_, dy, dx_, f_); }
        return dx_;
    }

private:
    F f_;
    const Tensor* kept_ = nullptr;
    Tensor y_, dx_;
};

/// y = max(x, 0), as torch.nn.ReLU.
template <class Backend> using ReLU = Activation<Backend, handgrad::ReLU>;
/// y = x where x > 0, else negative_slope x, as torch.nn.LeakyReLU.
template <class Backend> using LeakyReLU = Activation<Backend, handgrad::LeakyReLU>;
/// y = x / (1 + exp(-x)), as torch.nn.SiLU.
template <class Backend> using SiLU = Activation<Backend, handgrad::SiLU>;
/// y = 1 / (1 + exp(-x)), as torch.nn.Sigmoid.
template <class Backend> using Sigmoid = Activation<Backend, handgrad::Sigmoid>;
/// y = tanh(x), as torch.nn.Tanh.
template <class Backend> using Tanh = Activation<Backend, handgrad::Tanh>;

/// y = gelu(x) in the form with tanh, as torch.nn.GELU(approximate="tanh").
template <class Backend> using GELU = Activation<Backend, handgrad::GELU>;

} // namespace handgrad::nn
