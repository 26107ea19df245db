// Initial weights: standard deviations and gains as PyTorch's, and the streams that the numbers come from.

#include <cmath>

#include "catch.hpp"
#include "fixtures/pytorch.hpp"
#include "handgrad/backends/cpu.hpp"
#include "handgrad/backends/device.hpp"
#include "handgrad/nn/init.hpp"
#include "handgrad/nn/nn.hpp"
#include "support/tensors.hpp"

using namespace handgrad;
using namespace support;

namespace {

nn::Nonlinearity nonlinearity_of(const std::string& name) {
    for (const auto& [known, value] :
         {std::pair("linear", nn::Nonlinearity::linear), std::pair("sigmoid", nn::Nonlinearity::sigmoid),
          std::pair("tanh", nn::Nonlinearity::tanh), std::pair("relu", nn::Nonlinearity::relu),
          std::pair("leaky_relu", nn::Nonlinearity::leaky_relu)}) {
        if (name == known) { return value; }
    }
    throw std::logic_error("there is no nonlinearity " + name);
}

} // namespace

TEST_CASE("initialisers have PyTorch's standard deviations", "[nn][init][torch]") {
    const auto cases = pytorch::cases("init");
    CHECK(cases.size() == 32);
    for (const pytorch::Case& c : cases) {
        INFO(c.name);
        const Shape shape(c.options.at("shape").get<std::vector<std::size_t>>());
        const double right = c.get<double>("std")();
        Random random(1), again(1);
        Tensor<double> normal(shape), uniform(shape), expected(shape);
        if (c.options.at("kind") == "kaiming") {
            const auto mode = c.options.at("mode") == "fan_in" ? nn::FanMode::fan_in : nn::FanMode::fan_out;
            const auto nonlinearity = nonlinearity_of(c.options.at("nonlinearity"));
            const double a = c.options.at("a");
            CHECK(std::abs(nn::kaiming_std(shape, a, mode, nonlinearity) - right) <= 1e-12 * right);
            nn::kaiming_normal_(normal, random, a, mode, nonlinearity);
            nn::kaiming_uniform_(uniform, random, a, mode, nonlinearity);
        } else {
            const double gain = c.options.at("gain");
            CHECK(std::abs(nn::xavier_std(shape, gain) - right) <= 1e-12 * right);
            nn::xavier_normal_(normal, random, gain);
            nn::xavier_uniform_(uniform, random, gain);
        }
        normal_(expected, 0, right, again);
        CHECK(difference(normal, expected) <= 1e-12);
        uniform_(expected, -std::sqrt(3.0) * right, std::sqrt(3.0) * right, again);
        CHECK(difference(uniform, expected) <= 1e-12);
    }
}

TEST_CASE("initialisers give numbers of this standard deviation and mean 0", "[nn][init]") {
    const std::size_t n = 40'000;
    for (const bool is_normal : {true, false}) {
        Random random(3);
        Tensor<float> w = zeros<float>({100, n / 100});
        if (is_normal) {
            nn::kaiming_normal_(w, random, 0, nn::FanMode::fan_in, nn::Nonlinearity::relu);
        } else {
            nn::kaiming_uniform_(w, random, 0, nn::FanMode::fan_in, nn::Nonlinearity::relu);
        }
        double sum = 0, squares = 0, largest = 0;
        for (const float v : w.storage()) {
            sum += static_cast<double>(v);
            squares += static_cast<double>(v) * static_cast<double>(v);
            largest = std::max(largest, std::abs(static_cast<double>(v)));
        }
        const double std = std::sqrt(2.0 / 100);
        CHECK(std::abs(sum / n) <= 5 * std / std::sqrt(n));
        CHECK(std::abs(std::sqrt(squares / n) / std - 1) <= 5 / std::sqrt(2.0 * n));
        CHECK((largest > std::sqrt(3.0) * std) == is_normal);
    }
}

TEST_CASE("initialisers: gains, fans and defaults", "[nn][init]") {
    CHECK(nn::calculate_gain(nn::Nonlinearity::tanh) == 5.0 / 3);
    CHECK(nn::calculate_gain(nn::Nonlinearity::selu) == 0.75);
    CHECK(nn::calculate_gain(nn::Nonlinearity::leaky_relu) == std::sqrt(2 / (1 + 0.01 * 0.01)));
    CHECK(nn::fans({3, 5}) == std::pair<std::size_t, std::size_t>(3, 5));
    CHECK(nn::fans({8, 6, 3, 5}) == std::pair<std::size_t, std::size_t>(90, 120));
    CHECK(message_of([] { nn::fans({3}); }) ==
          "init: the weight has shape (3,), expected (D_in, D_out) or (C_out, C_in, R, S)");
    Random random(1), again(1);
    Tensor<double> none = zeros<double>({0, 3}), zero = zeros<double>({0, 0}), w = zeros<double>({4, 5}), x = w;
    CHECK(message_of([&] { nn::kaiming_normal_(none, random); }) == "init: fan_in is 0, expected at least 1");
    CHECK(message_of([&] { nn::xavier_normal_(zero, random); }) == "init: fan_in + fan_out is 0, expected at least 1");
    nn::kaiming_uniform_(w, random, std::sqrt(5.0)); // PyTorch's default for Linear, by its own words
    fan_in_uniform_(x, 4, again);
    CHECK(difference(w, x) <= 1e-15);
}

TEMPLATE_TEST_CASE("initialisers give a parameter of every backend the same numbers", "[nn][init]", Cpu<float>,
                   Device<float>) {
    using B = TestType;
    Random for_layer(1), random(2), again(2);
    nn::Linear<B> layer(6, 4, for_layer);
    Tensor<float> w = zeros<float>({6, 4});
    const auto same = [&] { return same_bits(Tensor<float>(B::to_host(layer.weight.value)), w); };
    nn::kaiming_normal_(layer.weight, random), nn::kaiming_normal_(w, again);
    CHECK(same());
    nn::kaiming_uniform_(layer.weight, random), nn::kaiming_uniform_(w, again);
    CHECK(same());
    nn::xavier_normal_(layer.weight, random, 2), nn::xavier_normal_(w, again, 2);
    CHECK(same());
    nn::xavier_uniform_(layer.weight, random), nn::xavier_uniform_(w, again);
    CHECK(same());
}
