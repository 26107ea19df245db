// Two networks' losses, gradients and parameters over ten steps, against PyTorch's (fixtures/make_pytorch_fixtures.py).

#include "catch.hpp"
#include "fixtures/pytorch.hpp"
#include "handgrad/backends/cpu.hpp"
#include "handgrad/backends/reference.hpp"
#include "handgrad/nn/nn.hpp"
#include "handgrad/optim/sgd.hpp"
#include "support/tensors.hpp"

using namespace handgrad;
using namespace support;

namespace {

/// Trains the net as the case says, and compares every number on the way.
template <class B> void follows(nn::Sequential<B>& net, const pytorch::Case& c) {
    using T = typename B::Scalar;
    const auto parameters = net.named_parameters();
    for (const auto& [name, p] : parameters) {
        REQUIRE(p->value.shape() == c.get<T>("start." + name).shape());
        p->value = c.get<T>("start." + name);
    }
    const auto x = c.get<T>("x");
    const Labels y = c.get<std::int64_t>("labels");
    nn::CrossEntropyLoss<B> criterion;
    SgdOptions options;
    options.lr = c.options.at("lr");
    options.momentum = c.options.at("momentum");
    options.weight_decay = c.options.at("weight_decay");
    options.nesterov = c.options.at("nesterov");
    optim::SGD<B> sgd(net.parameters(), options);
    const auto losses = c.get<double>("losses");
    REQUIRE(losses.size() == 10);
    for (std::size_t step = 0; step < losses.size(); ++step) {
        INFO("step " << step);
        sgd.zero_grad();
        const double loss = static_cast<double>(criterion.forward(net(x), y));
        CHECK(std::abs(loss - losses(step)) <= rounding<T>() * losses(step));
        net.backward(criterion.backward(), nn::InputGradient::not_needed);
        for (const auto& [name, p] : parameters) {
            INFO(name);
            if (step == 0) { CHECK(difference(p->grad, c.get<double>("grad." + name)) <= rounding<T>()); }
        }
        sgd.step();
    }
    for (const auto& [name, p] : parameters) {
        INFO(name);
        CHECK(difference(p->value, c.get<double>("end." + name)) <= rounding<T>());
    }
}

} // namespace

TEMPLATE_TEST_CASE("a network learns what PyTorch's learns", "[nn][optim][torch]", HANDGRAD_BACKENDS) {
    using B = TestType;
    Random random(1);
    nn::Sequential<B> net;
    net.template add<nn::Linear<B>>(3, 6, random);
    net.template add<nn::ReLU<B>>();
    net.template add<nn::Linear<B>>(6, 5, random);
    net.template add<nn::Tanh<B>>();
    net.template add<nn::Linear<B>>(5, 9, random);
    net.template add<nn::Sigmoid<B>>();
    net.template add<nn::Linear<B>>(9, 4, random);
    follows(net, pytorch::cases("network").at(0));
}

TEMPLATE_TEST_CASE("a convolutional network learns what PyTorch's learns", "[nn][optim][conv2d][torch]",
                   HANDGRAD_BACKENDS) {
    using B = TestType;
    Random random(1);
    Conv2dOptions padded;
    padded.padding = 1;
    nn::Sequential<B> net;
    net.template add<nn::Conv2d<B>>(2, 3, 3, random, padded);
    net.template add<nn::ReLU<B>>();
    net.template add<nn::MaxPool2d<B>>(2);
    net.template add<nn::Conv2d<B>>(3, 4, 2, random);
    net.template add<nn::ReLU<B>>();
    net.template add<nn::AvgPool2d<B>>(2);
    net.template add<nn::Flatten<B>>();
    net.template add<nn::Linear<B>>(4, 3, random);
    follows(net, pytorch::cases("convolutional_network").at(0));
}
