// A network's losses, gradients and parameters over five steps, against PyTorch's (fixtures/make_torch_fixtures.py).

#include "catch.hpp"
#include "fixtures/fixtures.hpp"
#include "handgrad/cpu/cpu.hpp"
#include "handgrad/nn/nn.hpp"
#include "handgrad/optim/sgd.hpp"
#include "handgrad/reference/reference.hpp"
#include "support/tensors.hpp"

using namespace handgrad;
using namespace support;

TEMPLATE_TEST_CASE("a network learns what PyTorch's learns", "[nn][optim]", HANDGRAD_BACKENDS) {
    using B = TestType;
    using T = typename B::Scalar;
    const Fixtures fixtures = read_fixtures("torch_sgd.txt");
    const auto read = [&](const std::string& name, const Shape& shape) {
        const std::vector<double>& values = fixtures.at("network." + name);
        Tensor<double> t(shape);
        REQUIRE(values.size() == t.size());
        std::copy(values.begin(), values.end(), t.data());
        return t;
    };
    Random random(1);
    nn::Sequential<B> net;
    net.template add<nn::Linear<B>>(3, 6, random);
    net.template add<nn::ReLU<B>>();
    net.template add<nn::Linear<B>>(6, 5, random);
    net.template add<nn::Tanh<B>>();
    net.template add<nn::Linear<B>>(5, 9, random);
    net.template add<nn::Sigmoid<B>>();
    net.template add<nn::Linear<B>>(9, 4, random);
    const auto parameters = net.named_parameters();
    for (const auto& [name, p] : parameters) { p->value = to<T>(read("start." + name, p->value.shape())); }
    const Tensor<T> x = to<T>(read("x", {7, 3}));
    const Labels y = to<std::int64_t>(read("labels", {7}));

    nn::CrossEntropyLoss<B> criterion;
    SgdOptions options;
    options.lr = 0.5;
    options.momentum = 0.9;
    options.weight_decay = 0.001;
    options.nesterov = true;
    optim::SGD<B> sgd(net.parameters(), options);
    const std::vector<double>& losses = fixtures.at("network.losses");
    REQUIRE(losses.size() == 5);
    for (std::size_t step = 0; step < losses.size(); ++step) {
        INFO("step " << step);
        sgd.zero_grad();
        const double loss = static_cast<double>(criterion.forward(net(x), y));
        CHECK(std::abs(loss - losses[step]) <= rounding<T>() * losses[step]);
        net.backward(criterion.backward(), nn::InputGradient::not_needed);
        for (const auto& [name, p] : parameters) {
            if (step == 0) { CHECK(difference(p->grad, read("grad." + name, p->grad.shape())) <= rounding<T>()); }
        }
        sgd.step();
    }
    for (const auto& [name, p] : parameters) {
        INFO(name);
        CHECK(difference(p->value, read("end." + name, p->value.shape())) <= rounding<T>());
    }
}
