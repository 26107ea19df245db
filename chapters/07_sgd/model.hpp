#pragma once
// ## The network
//
// The network of this chapter is 784-100-10. Below it is a module that does not belong in it.

#include <string>

#include <handgrad/backends/cpu.hpp>
#include <handgrad/nn/nn.hpp>
#include <handgrad/tensor/random.hpp>

using Backend = handgrad::Cpu<float>;
namespace nn = handgrad::nn;

// The layers are flatten, linear, ReLU and linear. Images (N, 1, 28, 28) become scores (N, 10). Two
// networks whose random streams have the same seed begin with the same weights.
inline void add_layers(nn::Sequential<Backend>& net, handgrad::Random& random) {
    net.add<nn::Flatten<Backend>>();
    net.add<nn::Linear<Backend>>(784, 100, random);
    net.add<nn::ReLU<Backend>>();
    net.add<nn::Linear<Backend>>(100, 10, random);
}

// This is softmax as a layer. It is correct, forward and backward. The mistake is to use it before
// `CrossEntropyLoss`, which contains a softmax already. PyTorch has such a module, and the mistake
// is common, so we want to see its effect.
class Softmax : public nn::Module<Backend> {
public:
    const Tensor& forward_pass(const Tensor& z) override {
        Backend::softmax_forward(z, p_);
        return p_;
    }
    const Tensor& backward_pass(const Tensor& dp, nn::InputGradient) override {
        Backend::softmax_backward(p_, dp, dz_);
        return dz_;
    }
    std::string name() const override { return "Softmax"; }
    std::string arguments() const override { return "dim=1"; }

private:
    Tensor p_, dz_;
};
