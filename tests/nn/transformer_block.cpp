// A transformer block, with everything that a network can ask of layers: rows of any rank, residual connections, where a
// tensor goes two ways and its gradients come back on both, layers within layers. Written as every network here is, from
// layers that keep their state, and proved by the complex step: every entry of the gradient of every parameter.
//
// Source of the block: Vaswani et al., Attention Is All You Need (2017), arXiv:1706.03762, with the normalisation before
// each branch as in Radford et al., Language Models are Unsupervised Multitask Learners (2019).

#include "catch.hpp"
#include "handgrad/backends/cpu.hpp"
#include "handgrad/backends/reference.hpp"
#include "handgrad/check/check.hpp"
#include "handgrad/nn/nn.hpp"
#include "support/tensors.hpp"

using namespace handgrad;
using namespace support;

namespace {

template <class B> class TransformerBlock : public nn::Module<B> {
public:
    using typename nn::Module<B>::Tensor;

    nn::LayerNorm<B> norm1, norm2;
    nn::CausalSelfAttention<B> attention;
    nn::Linear<B> up; // (B, T, C) -> (B, T, 4 C)
    nn::GELU<B> gelu;
    nn::Linear<B> down; // (B, T, 4 C) -> (B, T, C)

    TransformerBlock(std::size_t features, Random& random)
        : norm1(features), norm2(features), attention(features, 2, random), up(features, 4 * features, random),
          down(4 * features, features, random) {
        this->register_module("norm1", norm1);
        this->register_module("attention", attention);
        this->register_module("norm2", norm2);
        this->register_module("up", up);
        this->register_module("gelu", gelu);
        this->register_module("down", down);
    }

    std::string name() const override { return "TransformerBlock"; }

protected:
    const Tensor& forward_pass(const Tensor& x) override {
        h_ = x + attention.forward(norm1.forward(x));                        // the first branch, beside x
        y_ = h_ + down.forward(gelu.forward(up.forward(norm2.forward(h_)))); // the second, beside h
        return y_;
    }
    const Tensor& backward_pass(const Tensor& dy, nn::InputGradient) override {
        dh_ = dy + norm2.backward(up.backward(gelu.backward(down.backward(dy))));
        dx_ = dh_ + norm1.backward(attention.backward(dh_));
        return dx_;
    }

private:
    Tensor h_, y_, dh_, dx_;
};

constexpr std::size_t block_features = 4;

template <class B> void load_block(nn::Module<B>& block, const std::vector<Tensor<double>>& values) {
    const auto parameters = block.parameters();
    for (std::size_t i = 0; i < values.size(); ++i) {
        parameters[i]->value = check::cast<typename B::Scalar>(values[i]);
    }
}

/// The loss, the block's output times fixed numbers, as a function of one parameter or of x, for any scalar.
struct BlockLoss {
    const std::vector<Tensor<double>>& values; ///< of all parameters
    const Tensor<double>&x, &dy;
    std::size_t which; ///< the parameter's number, or their count for x

    template <class S> S operator()(const Tensor<S>& changed) const {
        Random random(1);
        TransformerBlock<Reference<S>> block(block_features, random);
        load_block(block, values);
        if (which < values.size()) { block.parameters()[which]->value = changed; }
        const Tensor<S> input = which < values.size() ? check::cast<S>(x) : changed;
        return check::weighted_sum(block.forward(input), dy);
    }
};

} // namespace

TEMPLATE_TEST_CASE("gradients of a transformer block, every parameter", "[gradients][nn]", Reference<double>,
                   Cpu<double>) {
    using B = TestType;
    Random random(1);
    TransformerBlock<B> block(block_features, random);
    const auto named = block.named_parameters();
    std::vector<Tensor<double>> values;
    for (const auto& [name, parameter] : named) {
        // Not the ones and zeros that LayerNorm begins with, which would hide a factor.
        values.push_back(normal_numbers<double>(parameter->value.shape(), 100 + values.size()));
    }
    load_block(block, values);
    const auto x = normal_numbers<double>({2, 3, block_features}, 1),
               dy = normal_numbers<double>({2, 3, block_features}, 2);
    block.forward(x);
    const Tensor<double> dx = block.backward(dy);
    REQUIRE(named.size() == 12);
    check::GradientCheck checker;
    for (std::size_t i = 0; i < named.size(); ++i) {
        checker.wrt(named[i].first, values[i], named[i].second->grad, BlockLoss{values, x, dy, i});
    }
    checker.wrt("x", x, dx, BlockLoss{values, x, dy, named.size()});
    INFO(check::to_string(checker));
    CHECK(checker.passed());
}
