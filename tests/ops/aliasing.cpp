// Tensors that share memory: what the rules of tests/ops/rules.cpp do not say.

#include "catch.hpp"
#include "handgrad/backends/cpu.hpp"
#include "handgrad/backends/device.hpp"
#include "handgrad/nn/nn.hpp"
#include "ops/chains.hpp"
#include "support/algorithm.hpp"
#include "support/tensors.hpp"

using namespace handgrad;
using namespace support;

HANDGRAD_TEST_ON_BACKENDS("two arguments that are only read may be one tensor", "[ops][aliasing]") {
    const auto m = whole_numbers<double>({3, 3}, 1);
    on_device::choose_algorithm(); // before another is chosen
    for (const auto algorithm : {device::Algorithm::fast, device::Algorithm::plain}) {
        const Chosen chosen(algorithm);
        const Operation linear = chain_of("linear").forward;
        Values apart{{"x", m}, {"w", m}, {"b", zeros<double>({3})}}, one = apart;
        linear(on, apart);
        linear.with_shared(on, one, 0, 1, Accumulate::no); // x is w
        CHECK(same_bits(one.at("y"), apart.at("y")));
        // Without momentum, v is not looked at, and so may be p.
        Values step{{"p", m}, {"g", m}};
        sgd_step(SgdOptions{}).forward(on, step);
        CHECK(step.at("p").shape() == Shape{3, 3});
    }
}

TEST_CASE("the device's loss has a tensor of its own", "[ops][aliasing][device]") {
    const auto z = normal_numbers<float>({1, 1}, 1);
    device::Tensor<float> scores = device::to_device(z), p;
    const device::Labels y = device::to_device(labels({0}));
    CHECK(message_of<AliasError>([&] { device::cross_entropy_forward(scores, y, p, scores); }) ==
          "cross_entropy_forward: loss shares memory with z, expected a tensor of its own");
    CHECK(message_of<AliasError>([&] { device::cross_entropy_forward(scores, y, p, p); }) ==
          "cross_entropy_forward: loss shares memory with p, expected a tensor of its own");
    CHECK(same_bits(device::to_host(scores), z));
}

TEST_CASE("a tensor that is empty is another's neighbour, and still itself", "[ops][aliasing]") {
    const Tensor<float> empty = zeros<float>({0, 3}), other = zeros<float>({0, 3}), some = zeros<float>({2, 3});
    CHECK(NamedTensor("a", empty).overlaps({"b", empty}));
    CHECK_FALSE(NamedTensor("a", empty).overlaps({"b", other}));
    CHECK_FALSE(NamedTensor("a", empty).overlaps({"b", some}));
    CHECK(NamedTensor("a", some).overlaps({"b", some}));
    // A tensor without rows would be reshaped under its own feet.
    Tensor<float> x = zeros<float>({0, 3});
    CHECK_THROWS_AS(Cpu<float>::linear_forward(x, zeros<float>({3, 2}), zeros<float>({2}), x), AliasError);
    CHECK(x.shape() == Shape{0, 3});
}

TEST_CASE("a module whose input is its own output is refused where the operation is", "[nn][aliasing]") {
    using B = Cpu<float>;
    Random random(1);
    nn::Linear<B> linear(3, 3, random);
    nn::ReLU<B> relu;
    const auto x = normal_numbers<float>({2, 3}, 1);
    CHECK(message_of<AliasError>([&] { linear(linear(x)); }) ==
          "linear_forward: y shares memory with x, expected a tensor of its own");
    CHECK(equal_numbers(Tensor<float>(relu(relu(x))), B::relu_forward(x)));
}
