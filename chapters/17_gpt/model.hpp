#pragma once
// ## The model
//
// A GPT is a stack of equal blocks between an embedding and a last layer. All of it is in this file,
// with every backward pass beside its forward pass. The parts have the names of GPT-2, so that a file
// of its weights fits.

#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include <handgrad/nn/nn.hpp>

namespace nn = handgrad::nn;
using handgrad::Random;
using handgrad::Shape;

// The sizes. A block has about $12 C^2$ parameters: $4 C^2$ in attention, and $8 C^2$ in the two layers
// of the MLP, which has 4 C hidden units.
struct GPTSizes {
    std::size_t vocabulary = 65, context = 64; // V, and the largest T
    std::size_t layers = 4, heads = 4, width = 128;
    bool bias = false; // whether the linear layers have a bias
};

// ### A network for every token
//
// A linear layer to four times the width, GELU, a linear layer back. It sees one token at a time;
// only attention moves information between tokens.
template <class Backend> class GPTMLP : public nn::Module<Backend> {
public:
    using typename nn::Module<Backend>::Tensor;

    nn::Linear<Backend> c_fc; // (B, T, C) -> (B, T, 4 C)
    nn::GELU<Backend> gelu;
    nn::Linear<Backend> c_proj; // (B, T, 4 C) -> (B, T, C)

    GPTMLP(std::size_t width, Random& random, bool bias)
        : c_fc(width, 4 * width, random, bias),
          c_proj(4 * width, width, random, bias) {
        this->register_module("c_fc", c_fc);
        this->register_module("gelu", gelu);
        this->register_module("c_proj", c_proj);
    }

    const Tensor& forward_pass(const Tensor& x) override {
        return c_proj(gelu(c_fc(x)));
    }
    const Tensor& backward_pass(const Tensor& dy,
                                nn::InputGradient input) override {
        return c_fc.backward(gelu.backward(c_proj.backward(dy)), input);
    }

    std::string name() const override { return "MLP"; }
};

// ### A block
//
// Two branches, each beside a residual connection (chapter 13), and each with a layer normalisation
// (chapter 12) at its start: $o = x + \text{attention}(\text{norm}_1(x))$, then
// $y = o + \text{mlp}(\text{norm}_2(o))$. The sum has the derivative 1 for both of its terms:
// backward adds the gradient that comes through the branch to the one that passes beside it.
template <class Backend> class GPTBlock : public nn::Module<Backend> {
public:
    using typename nn::Module<Backend>::Tensor;

    nn::LayerNorm<Backend> ln_1, ln_2;
    nn::CausalSelfAttention<Backend> attn;
    GPTMLP<Backend> mlp;

    GPTBlock(const GPTSizes& sizes, Random& random)
        : ln_1(sizes.width), ln_2(sizes.width),
          attn(sizes.width, sizes.heads, random, sizes.bias),
          mlp(sizes.width, random, sizes.bias) {
        this->register_module("ln_1", ln_1);
        this->register_module("attn", attn);
        this->register_module("ln_2", ln_2);
        this->register_module("mlp", mlp);
    }

    const Tensor& forward_pass(const Tensor& x) override {
        Backend::add_forward(x, attn(ln_1(x)), o_);
        Backend::add_forward(o_, mlp(ln_2(o_)), y_);
        return y_;
    }
    const Tensor& backward_pass(const Tensor& dy, nn::InputGradient) override {
        Backend::add_forward(dy, ln_2.backward(mlp.backward(dy)), do_);
        Backend::add_forward(do_, ln_1.backward(attn.backward(do_)), dx_);
        return dx_;
    }

    std::string name() const override { return "Block"; }

private:
    Tensor o_, y_, do_, dx_;
};

// ### The whole
//
// A token becomes the sum of two rows: one for what it is, one for where it stands. Without the
// second, attention in the first block could not tell the order of earlier tokens. After the blocks
// and a last normalisation, the scores for the next token are products with the rows of the first
// table again: the head is tied to the embedding, and the gradients of both places add up in one
// tensor.
template <class Backend> class GPT : public nn::Component<Backend> {
public:
    using Tensor = typename Backend::Tensor;
    using Tokens = typename Backend::Labels; // (B, T)

    nn::Embedding<Backend> wte, wpe; // of tokens (V, C), of positions
    std::vector<std::unique_ptr<GPTBlock<Backend>>> h;
    nn::LayerNorm<Backend> ln_f;
    nn::TiedHead<Backend> head{wte.weight}; // (B, T, C) -> (B, T, V)

    GPT(const GPTSizes& sizes, Random& random)
        : wte(sizes.vocabulary, sizes.width, random),
          wpe(sizes.context, sizes.width, random), ln_f(sizes.width),
          sizes_(sizes) {
        this->register_component("wte", wte);
        this->register_component("wpe", wpe);
        for (std::size_t i = 0; i < sizes.layers; ++i) {
            h.push_back(std::make_unique<GPTBlock<Backend>>(sizes, random));
            this->register_component("h." + std::to_string(i), *h.back());
        }
        this->register_component("ln_f", ln_f);
        this->register_component("head", head);
        initialise(random);
    }

    const GPTSizes& sizes() const { return sizes_; }

    // The scores (B, T, V) for the token after each token.
    const Tensor& forward(const Tokens& tokens) {
        number_positions(tokens.shape());
        Backend::add_forward(wte.forward(tokens), wpe.forward(positions_), x_);
        const Tensor* x = &x_;
        for (const auto& block : h) { x = &block->forward(*x); }
        return head(ln_f(*x));
    }

    // From the gradient of the scores to all parameters, last step first. A token is no
    // real number, so there is no gradient to return.
    void backward(const Tensor& dz) {
        const Tensor* dx = &ln_f.backward(head.backward(dz));
        for (auto block = h.rbegin(); block != h.rend(); ++block) {
            dx = &(*block)->backward(*dx);
        }
        wpe.backward(*dx); // a sum of two: both get the same gradient
        wte.backward(*dx);
    }

    std::string name() const override { return "GPT"; }

private:
    // As in GPT-2: normal numbers with a standard deviation of 0.02, and biases of 0. Two branches of
    // each block are added beside the residual connections. The last weight of each branch is divided
    // by the root of their number, so that the sum does not grow with the depth.
    void initialise(Random& random) {
        using T = typename Backend::Scalar;
        const auto branches = static_cast<double>(2 * sizes_.layers);
        for (const auto& [name, parameter] : this->named_parameters()) {
            const auto ends_with = [&name = name](const std::string& end) {
                return name.size() >= end.size() &&
                       name.compare(name.size() - end.size(), end.size(),
                                    end) == 0;
            };
            auto w = handgrad::zeros<T>(parameter->value.shape());
            if (w.shape().size() == 2) {
                const bool is_last = ends_with("c_proj.weight");
                handgrad::normal_(
                    w, 0, is_last ? 0.02 / std::sqrt(branches) : 0.02, random);
            } else if (ends_with("weight")) { // of a layer normalisation
                w.fill(T(1));
            }
            parameter->value = Backend::from_host(std::move(w));
        }
    }

    // The positions 0 .. T-1 in every row, (B, T).
    void number_positions(const Shape& tokens) {
        handgrad::require_rank("GPT", "tokens", tokens, {"B", "T"});
        if (tokens[1] > sizes_.context) {
            throw handgrad::ShapeError(
                "GPT: tokens has shape " + handgrad::to_string(tokens) +
                ", expected at most " + std::to_string(sizes_.context) +
                " tokens in a sequence, the model's context");
        }
        if (positions_.shape() == tokens) { return; }
        handgrad::Labels positions(tokens);
        for (std::size_t i = 0; i < positions.size(); ++i) {
            positions.data()[i] = static_cast<std::int64_t>(i % tokens[1]);
        }
        positions_ = Backend::from_host(std::move(positions));
    }

    GPTSizes sizes_;
    Tokens positions_;
    Tensor x_;
};
