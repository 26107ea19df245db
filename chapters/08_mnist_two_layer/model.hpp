#pragma once
// ## The network as a class
//
// A two-layer network, as one writes it in PyTorch: a constructor that sets up the layers, and a
// forward pass. What PyTorch would derive for us is the third part, the backward pass.

#include <handgrad/nn/nn.hpp>

namespace nn = handgrad::nn;
using handgrad::Random;

// It is a template over the backend, which defines the tensors and the operations. `Cpu<float>`
// trains it. `Reference<std::complex<double>>` runs the same lines on complex numbers, and that is
// how we check its gradients.
template <class Backend> class TwoLayerNet : public nn::Module<Backend> {
public:
    using typename nn::Module<Backend>::Tensor;

    nn::Flatten<Backend> flatten; // (N, 1, 28, 28) -> (N, 784)
    nn::Linear<Backend> fc1;      // (N, 784) -> (N, M)
    nn::ReLU<Backend> relu;
    nn::Linear<Backend> fc2; // (N, M) -> (N, K): scores, one for each class

    TwoLayerNet(std::size_t inputs, std::size_t hidden, std::size_t classes,
                Random& random)
        : fc1(inputs, hidden, random), fc2(hidden, classes, random) {
        this->register_module("flatten", flatten);
        this->register_module("fc1", fc1);
        this->register_module("relu", relu);
        this->register_module("fc2", fc2);
    }

    // $z_1 = x w_1 + b_1$, $o_1 = \text{relu}(z_1)$, $z_2 = o_1 w_2 + b_2$. There is no softmax at
    // the end: the loss contains it.
    const Tensor& forward_pass(const Tensor& x) override {
        const Tensor& rows = flatten.forward(x);
        const Tensor& z1 = fc1.forward(rows);
        const Tensor& o1 = relu.forward(z1);
        return fc2.forward(o1);
    }

    // The chain rule, last step first. Each line turns the gradient with respect to the output of a
    // layer into the gradient with respect to its input. On the way the two linear layers add up
    // the gradients of their weights and biases.
    const Tensor& backward_pass(const Tensor& dz2,
                                nn::InputGradient input) override {
        const Tensor& do1 = fc2.backward(dz2);
        const Tensor& dz1 = relu.backward(do1);
        const Tensor& drows = fc1.backward(dz1, input);
        return flatten.backward(drows, input);
    }

    std::string name() const override { return "TwoLayerNet"; }
};
