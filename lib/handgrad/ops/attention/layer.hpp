#pragma once
/// @file

#include <string>

#include "handgrad/nn/module.hpp"
#include "handgrad/ops/attention/attention.hpp"
#include "handgrad/ops/linear/layer.hpp"

namespace handgrad::nn {

/// Causal self-attention as in nanoGPT and GPT-2: a linear layer makes a query, a key and a value of every token,
/// attention mixes the values, and a second linear layer mixes the heads. x and y: (B, T, C).
///
/// The parts have GPT-2's names, c_attn and c_proj, and their weights GPT-2's shapes. Derivation: attention.md.
template <class Backend> class CausalSelfAttention : public Module<Backend> {
public:
    using typename Module<Backend>::Tensor;

    Linear<Backend> c_attn; ///< (..., C) -> (..., 3 C): queries, keys and values side by side
    Linear<Backend> c_proj; ///< (..., C) -> (..., C)

    /// @param features C @param heads number of heads, a divisor of C
    /// @param random draws the weights @param with_bias whether the linear layers have a bias
    /// @throws ShapeError if heads does not divide features
    CausalSelfAttention(std::size_t features, std::size_t heads, Random& random, bool with_bias = true)
        : c_attn(features, 3 * features, random, with_bias), c_proj(features, features, random, with_bias),
          heads_(heads) {
        attention_extents("CausalSelfAttention", {0, 0, 3 * features}, heads, Mask::causal);
        this->register_module("c_attn", c_attn);
        this->register_module("c_proj", c_proj);
    }

    /// The probabilities of the last forward, (B, heads, T, T): p(b, head, t, s) is the weight of token s for
    /// token t.
    const Tensor& probabilities() const { return p_; }

    Shape output_shape(const Shape& x) const override {
        require_rank("CausalSelfAttention", "x", x, {"B", "T", "C"});
        c_attn.output_shape(x);
        return x;
    }
    std::string name() const override { return "CausalSelfAttention"; }

protected:
    /// Computes y, and keeps p.
    const Tensor& forward_pass(const Tensor& x) override {
        qkv_ = &c_attn.forward(x);
        Backend::attention_forward(*qkv_, heads_, Mask::causal, mixed_, p_);
        return c_proj.forward(mixed_);
    }

    /// Adds to the gradients of both linear layers, and computes dx if it is needed.
    const Tensor& backward_pass(const Tensor& dy, InputGradient input) override {
        Backend::attention_backward(*qkv_, heads_, Mask::causal, p_, c_proj.backward(dy), dqkv_);
        return c_attn.backward(dqkv_, input);
    }

private:
    std::size_t heads_;
    const Tensor* qkv_ = nullptr;
    Tensor mixed_, p_, dqkv_;
};

} // namespace handgrad::nn
