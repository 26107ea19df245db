// State that cannot lie: a layer goes back from its last forward, once, and from nothing else. In every case below a wrong
// gradient would have the right shape; each must be right or refused.

#include <functional>
#include <memory>

#include "catch.hpp"
#include "handgrad/backends/cpu.hpp"
#include "handgrad/backends/device.hpp"
#include "handgrad/backends/reference.hpp"
#include "handgrad/data/data_loader.hpp"
#include "handgrad/nn/nn.hpp"
#include "handgrad/optim/sgd.hpp"
#include "support/images.hpp"
#include "support/options.hpp"
#include "support/same_bits.hpp"
#include "support/tensors.hpp"

#if defined(HANDGRAD_THRUST_OFF)
#define HANDGRAD_STATE_BACKENDS handgrad::Reference<double>, handgrad::Cpu<float>
#else
#define HANDGRAD_STATE_BACKENDS handgrad::Reference<double>, handgrad::Cpu<float>, handgrad::Device<float>
#endif

namespace {

using handgrad::Random;
using handgrad::Shape;
namespace nn = handgrad::nn;
using support::message_of;

/// A layer, and the shape of an input that it takes.
template <class B> struct LayerCase {
    std::string name;
    std::unique_ptr<nn::Module<B>> layer;
    Shape input;
};

template <class B, class Layer, class... Arguments>
LayerCase<B> layer_case(const std::string& name, const Shape& input, Arguments&&... arguments) {
    return {name, std::make_unique<Layer>(std::forward<Arguments>(arguments)...), input};
}

template <class B> handgrad::Tensor<typename B::Scalar> zeros_of(const Shape& shape) {
    return handgrad::zeros<typename B::Scalar>(shape);
}

/// One of every kind of layer.
template <class B> std::vector<LayerCase<B>> every_layer() {
    Random random(5);
    std::vector<LayerCase<B>> all;
    all.push_back(layer_case<B, nn::Linear<B>>("Linear", {4, 3}, 3, 5, random));
    all.push_back(layer_case<B, nn::ReLU<B>>("ReLU", {4, 3}));
    all.push_back(layer_case<B, nn::Sigmoid<B>>("Sigmoid", {4, 3}));
    all.push_back(layer_case<B, nn::Tanh<B>>("Tanh", {4, 3}));
    all.push_back(layer_case<B, nn::Flatten<B>>("Flatten", {2, 1, 3, 2}));
    all.push_back(layer_case<B, nn::Conv2d<B>>("Conv2d", {2, 1, 6, 6}, 1, 2, 3, random));
    all.push_back(layer_case<B, nn::MaxPool2d<B>>("MaxPool2d", {2, 1, 6, 6}, 2));
    all.push_back(layer_case<B, nn::AvgPool2d<B>>("AvgPool2d", {2, 1, 6, 6}, 2));
    all.push_back(layer_case<B, nn::BatchNorm1d<B>>("BatchNorm1d", {4, 3}, 3));
    all.push_back(layer_case<B, nn::BatchNorm2d<B>>("BatchNorm2d", {2, 1, 6, 6}, 1));
    all.push_back(layer_case<B, nn::RNN<B>>("RNN", {2, 5, 3}, 3, 4, random));
    all.push_back(layer_case<B, nn::LSTM<B>>("LSTM", {2, 5, 3}, 3, 4, random));
    all.push_back(layer_case<B, nn::ConvReLUMaxPool2d<B>>("ConvReLUMaxPool2d", {2, 1, 6, 6}, 1, 2, 3, random));
    auto unfused = std::make_unique<nn::ConvReLUMaxPool2d<B>>(1, 2, 3, random);
    unfused->fuse(false);
    all.push_back({"unfused", std::move(unfused), {2, 1, 6, 6}});
    auto sequential = std::make_unique<nn::Sequential<B>>();
    sequential->template add<nn::Linear<B>>(3, 4, random);
    sequential->template add<nn::Tanh<B>>();
    all.push_back({"Sequential", std::move(sequential), {4, 3}});
    return all;
}

template <class B> typename B::Tensor random_tensor(const Shape& shape, std::uint64_t seed) {
    return B::from_host(support::normal_numbers<typename B::Scalar>(shape, seed));
}

/// The numbers of a tensor of any backend, for comparisons.
template <class B> handgrad::Tensor<typename B::Scalar> numbers(const typename B::Tensor& x) { return B::to_host(x); }

/// All gradients of the parameters, one after another.
template <class B> std::vector<double> gradients(const nn::Module<B>& module) {
    std::vector<double> all;
    for (const auto* parameter : module.parameters()) {
        const auto host = B::to_host(parameter->grad);
        all.insert(all.end(), host.data(), host.data() + host.size());
    }
    return all;
}

/// A parameter that is no module, and a module whose only parameter is in it.
template <class B> struct Offset : nn::Component<B> {
    nn::Parameter<B> offset{B::from_host(zeros_of<B>({2, 3})), B::from_host(zeros_of<B>({2, 3}))};
    Offset() { this->register_parameter("offset", offset); }
    std::string name() const override { return "Offset"; }
};
template <class B> struct WithOffset : nn::Module<B> {
    using typename nn::Module<B>::Tensor;
    Offset<B> part;
    WithOffset() { this->register_component("part", part); }
    std::string name() const override { return "WithOffset"; }
    const Tensor& forward_pass(const Tensor& x) override { return x; }
    const Tensor& backward_pass(const Tensor& dy, nn::InputGradient) override {
        part.offset.grad = dy;
        return dy;
    }
};

} // namespace

TEMPLATE_TEST_CASE("a module whose parameters are in a component goes back where its input's gradient is not needed",
                   "[state]", HANDGRAD_STATE_BACKENDS) {
    WithOffset<TestType> module;
    const auto x = random_tensor<TestType>({2, 3}, 1), dy = random_tensor<TestType>({2, 3}, 2);
    module.forward(x);
    module.backward(dy, nn::InputGradient::not_needed);
    CHECK(support::same_bits(numbers<TestType>(module.part.offset.grad), numbers<TestType>(dy)));
}

TEMPLATE_TEST_CASE("a layer goes back only from a forward of its own, and once", "[state]", HANDGRAD_STATE_BACKENDS) {
    for (auto& c : every_layer<TestType>()) {
        INFO(c.name);
        const auto x = random_tensor<TestType>(c.input, 1);
        const auto dy = random_tensor<TestType>(c.layer->output_shape(c.input), 2);
        CHECK_THROWS_AS(c.layer->backward(dy), std::logic_error);
        c.layer->forward(x);
        c.layer->backward(dy);
        const auto before = gradients(*c.layer);
        CHECK_THROWS_AS(c.layer->backward(dy), std::logic_error);
        CHECK(gradients(*c.layer) == before);
        const std::string message = message_of<std::logic_error>([&] { c.layer->backward(dy); });
        INFO(message);
        CHECK(message.find(c.layer->name() + ": call forward before each backward") == 0);
    }
}

TEMPLATE_TEST_CASE("after two forwards, backward belongs to the second", "[state]", HANDGRAD_STATE_BACKENDS) {
    auto once = every_layer<TestType>(), twice = every_layer<TestType>();
    for (std::size_t i = 0; i < once.size(); ++i) {
        INFO(once[i].name);
        const auto first = random_tensor<TestType>(once[i].input, 1),
                   second = random_tensor<TestType>(once[i].input, 2);
        const auto dy = random_tensor<TestType>(once[i].layer->output_shape(once[i].input), 3);
        once[i].layer->forward(second);
        twice[i].layer->forward(first);
        twice[i].layer->forward(second);
        const auto expected = numbers<TestType>(once[i].layer->backward(dy));
        CHECK(support::same_bits(numbers<TestType>(twice[i].layer->backward(dy)), expected));
        CHECK(gradients(*once[i].layer) == gradients(*twice[i].layer));
    }
}

TEMPLATE_TEST_CASE("a batch that was changed after forward is refused", "[state]", HANDGRAD_STATE_BACKENDS) {
    for (auto& c : every_layer<TestType>()) {
        INFO(c.name);
        auto x = random_tensor<TestType>(c.input, 1);
        const auto other = random_tensor<TestType>(c.input, 2);
        const auto dy = random_tensor<TestType>(c.layer->output_shape(c.input), 3);
        const auto before = gradients(*c.layer);
        const auto refused = [&] {
            const std::string message = message_of<std::logic_error>([&] { c.layer->backward(dy); });
            INFO(message);
            CHECK(message.find("input was changed") != std::string::npos);
            CHECK(gradients(*c.layer) == before);
        };
        c.layer->forward(x);
        x.fill(1);
        refused();
        c.layer->forward(x);
        x = other;
        refused();
        c.layer->forward(x);
        TestType::copy_from_host(TestType::to_host(other), x);
        refused();
        {
            const auto gone = random_tensor<TestType>(c.input, 4);
            c.layer->forward(gone);
        }
        refused();
        c.layer->forward(x); // and goes on as if nothing had been
        CHECK_NOTHROW(c.layer->backward(dy));
    }
}

TEMPLATE_TEST_CASE("a step of the optimiser between forward and backward is refused", "[state]",
                   HANDGRAD_STATE_BACKENDS) {
    for (auto& c : every_layer<TestType>()) {
        if (c.layer->parameters().empty()) { continue; }
        INFO(c.name);
        const auto x = random_tensor<TestType>(c.input, 1);
        const auto dy = random_tensor<TestType>(c.layer->output_shape(c.input), 3);
        handgrad::optim::SGD<TestType> optimizer(c.layer->parameters(), support::sgd(0.1));
        c.layer->forward(x);
        c.layer->backward(dy);
        c.layer->forward(x);
        optimizer.step();
        const auto before = gradients(*c.layer);
        CHECK(message_of<std::logic_error>([&] { c.layer->backward(dy); }).find("a parameter was changed") !=
              std::string::npos);
        CHECK(gradients(*c.layer) == before);
    }
}

TEMPLATE_TEST_CASE("one layer in two places of a network is refused", "[state]", HANDGRAD_STATE_BACKENDS) {
    using B = TestType;
    Random random(3);
    nn::Linear<B> shared(3, 3, random);
    nn::Tanh<B> between;
    const auto x = random_tensor<B>({2, 3}, 1), dy = random_tensor<B>({2, 3}, 2);
    const auto& h = between.forward(shared.forward(x));
    shared.forward(h); // overwrites the output that `between` has to go back from
    const auto& dh = shared.backward(dy);
    CHECK_THROWS_AS(between.backward(dh), std::logic_error);
    CHECK_THROWS_AS(shared.backward(dh), std::logic_error);
}

TEMPLATE_TEST_CASE("an evaluation in the middle of a step is refused", "[state]", HANDGRAD_STATE_BACKENDS) {
    using B = TestType;
    Random random(3);
    nn::Sequential<B> net;
    net.template add<nn::Flatten<B>>();
    net.template add<nn::Linear<B>>(6, 4, random);
    net.template add<nn::ReLU<B>>();
    net.template add<nn::Linear<B>>(4, 3, random);
    nn::CrossEntropyLoss<B> criterion;
    const auto x = random_tensor<B>({2, 1, 2, 3}, 1), test = random_tensor<B>({2, 1, 2, 3}, 2);
    const auto y = B::from_host(support::labels({0, 2}));
    criterion.forward(net.forward(x), y);
    net.forward(test); // the same shape: nothing else would tell
    const std::string message = message_of<std::logic_error>([&] { criterion.backward(); });
    CHECK(message.find("CrossEntropyLoss: backward after its input was changed") == 0);
}

TEMPLATE_TEST_CASE("labels that were changed after forward are refused", "[state]", HANDGRAD_STATE_BACKENDS) {
    using B = TestType;
    nn::CrossEntropyLoss<B> criterion;
    const auto z = random_tensor<B>({2, 3}, 1);
    auto y = B::from_host(support::labels({0, 2}));
    CHECK_THROWS_AS(criterion.backward(), std::logic_error);
    criterion.forward(z, y);
    y.fill(1);
    CHECK_THROWS_AS(criterion.backward(), std::logic_error);
    criterion.forward(z, y);
    CHECK_NOTHROW(criterion.backward());
}

TEMPLATE_TEST_CASE("the next batch taken before backward is refused", "[state]", HANDGRAD_STATE_BACKENDS) {
    using B = TestType;
    const auto images = support::patterns(8, 3, 3, 1);
    handgrad::data::LoaderOptions options;
    options.batch_size = 4;
    handgrad::data::DataLoader<B> loader(images, options);
    Random random(3);
    nn::Sequential<B> net; // its first part makes a view: who goes back from the view must notice
    net.template add<nn::Flatten<B>>();
    net.template add<nn::Linear<B>>(9, 3, random);
    nn::CrossEntropyLoss<B> criterion;
    auto batch = loader.begin();
    const auto& scores = net.forward(batch->images);
    criterion.forward(scores, batch->labels);
    const auto dz = criterion.backward();
    ++batch;
    const auto before = gradients(net);
    CHECK_THROWS_AS(net.backward(dz, nn::InputGradient::not_needed), std::logic_error);
    CHECK_THROWS_AS(criterion.backward(), std::logic_error); // its labels are the next batch's
    CHECK(gradients(net) == before);
}

TEMPLATE_TEST_CASE("a gradient of another shape than the last output's is refused", "[state]",
                   HANDGRAD_STATE_BACKENDS) {
    for (auto& c : every_layer<TestType>()) {
        INFO(c.name);
        const auto x = random_tensor<TestType>(c.input, 1);
        Shape wrong = c.layer->output_shape(c.input);
        wrong[0] += 1;
        const auto dy = random_tensor<TestType>(wrong, 2);
        c.layer->forward(x);
        const std::string message = message_of<handgrad::ShapeError>([&] { c.layer->backward(dy); });
        CHECK(message.find(c.layer->name() + ": dy has shape " + handgrad::to_string(wrong)) == 0);
    }
}

TEMPLATE_TEST_CASE("a gradient that was not asked for is not returned", "[state]", HANDGRAD_STATE_BACKENDS) {
    for (auto& c : every_layer<TestType>()) {
        INFO(c.name);
        const auto x = random_tensor<TestType>(c.input, 1);
        const auto dy = random_tensor<TestType>(c.layer->output_shape(c.input), 2);
        c.layer->forward(x);
        c.layer->backward(dy); // dx is in a buffer now
        c.layer->forward(x);
        CHECK(c.layer->backward(dy, nn::InputGradient::not_needed).size() == 0);
    }
}
