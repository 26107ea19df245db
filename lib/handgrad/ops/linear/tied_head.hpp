#pragma once
/// @file

#include <string>

#include "handgrad/nn/module.hpp"
#include "handgrad/ops/linear/linear.hpp"
#include "handgrad/tensor/tensor.hpp"

namespace handgrad::nn {

/// The last layer of a language model whose weight is the embedding's ("weight tying"): x (..., C) becomes scores
/// z (..., V) for the V tokens of the vocabulary, z = x w^T, with the embedding's w (V, C). There is no bias.
///
/// It is a linear layer with the weight w^T, so the operations of linear compute it: z = x w^T as the gradient of an
/// input is computed, dx = dz w as a forward pass, dw = dz^T x. The tensor w has one gradient, to which the embedding
/// and this layer both add: a weight in two places gets the sum of the gradients of both. Derivation: linear.md.
///
/// The weight is a parameter of the embedding, which registers it. This module has no parameter of its own.
///
/// Source: Press, Wolf, Using the Output Embedding to Improve Language Models (2017), arXiv:1608.05859.
template <class Backend> class TiedHead : public Module<Backend> {
public:
    using typename Module<Backend>::Tensor;

    /// @param weight the embedding's, (V, C); must outlive this module
    explicit TiedHead(Parameter<Backend>& weight) : weight_(weight) {
        require_rank("TiedHead", "weight", weight.value.shape(), {"V", "C"});
        no_bias_ = Backend::from_host(zeros<typename Backend::Scalar>({weight.value.shape()[1]}));
    }

    Shape output_shape(const Shape& x) const override {
        const Shape& w = weight_.value.shape();
        require_rows("TiedHead", "x", x, "C");
        require_shape("TiedHead", "x", x, with_last(x, w[1]));
        return with_last(x, w[0]);
    }
    std::string name() const override { return "TiedHead"; }
    std::string arguments() const override {
        const Shape& w = weight_.value.shape();
        return "in_features=" + std::to_string(w[1]) + ", out_features=" + std::to_string(w[0]) + ", bias=False";
    }

protected:
    /// z = x w^T.
    const Tensor& forward_pass(const Tensor& x) override {
        output_shape(x.shape());
        Backend::linear_backward_input(x, weight_.value, z_);
        x_ = &x;
        watch_ = watch(weight_.value);
        return z_;
    }

    /// Adds dz^T x to the gradient of the embedding's weight, and computes dx = dz w if it is needed.
    const Tensor& backward_pass(const Tensor& dz, InputGradient input) override {
        if (!watch_.is_current()) { detail::refuse_backward(name(), detail::Refusal::parameter_changed); }
        Backend::linear_backward_weight(dz, *x_, weight_.grad, Accumulate::yes);
        if (input == InputGradient::needed) { Backend::linear_forward(dz, weight_.value, no_bias_, dx_); }
        return dx_;
    }

private:
    Parameter<Backend>& weight_;
    Watch watch_; // the weight at the last forward
    const Tensor* x_ = nullptr;
    Tensor z_, dx_, no_bias_;
};

} // namespace handgrad::nn
