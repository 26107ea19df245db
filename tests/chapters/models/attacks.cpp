// The attacks of chapter 14, and what its prediction from the weights promises.

#include <algorithm>
#include <cmath>
#include <vector>

#include "../../../chapters/14_what_it_looks_at/adversarial.hpp"
#include "../../../chapters/14_what_it_looks_at/attack.hpp"
#include "../../../chapters/14_what_it_looks_at/prediction.hpp"
#include "catch.hpp"
#include "handgrad/backends/cpu.hpp"
#include "support/tensors.hpp"

using namespace handgrad;
using namespace support;

namespace {

// Digits of random pixels, with the class that the network gives them.
struct ReadDigits {
    Tensor<float> x;
    Labels y;
    Tensor<float> z;
};

ReadDigits random_digits(Network<Cpu<float>>& network, std::size_t count) {
    ReadDigits digits{Tensor<float>(Shape{count, 1, 28, 28}), Labels(Shape{count}), {}};
    Random random(14);
    uniform_(digits.x, 0.0, 1.0, random);
    digits.z = network(digits.x);
    for (std::size_t n = 0; n < count; ++n) {
        const float* row = &digits.z(n, 0);
        digits.y(n) = std::max_element(row, row + 10) - row;
    }
    return digits;
}

} // namespace

TEST_CASE("chapter 14: the eps predicted from the weights is the least with which a digit is misread", "[attack]") {
    Random random(5);
    const auto network = make_network<Cpu<float>>(Kind::softmax, random);
    const ReadDigits digits = random_digits(*network, 20);
    const auto& w = network->parameters()[0]->value;
    const auto ways = ways_to_rivals(digits.z, digits.y, w);
    for (std::size_t n = 0; n < 20; ++n) {
        const auto y = static_cast<std::size_t>(digits.y(n));
        const auto misread_by_a_step_to = [&](std::size_t k, double eps) {
            double lead = double{digits.z(n, y)} - double{digits.z(n, k)};
            for (std::size_t i = 0; i < 784; ++i) {
                const double d = double{w(i, k)} - double{w(i, y)};
                lead -= eps * (d > 0 ? d : -d);
            }
            return lead < 0;
        };
        bool above = false, below = false;
        for (std::size_t k = 0; k < 10; ++k) {
            if (k == y) { continue; }
            above = above || misread_by_a_step_to(k, 1.001 * ways[n].eps());
            below = below || misread_by_a_step_to(k, 0.999 * ways[n].eps());
        }
        CHECK(above);
        CHECK_FALSE(below);
    }
    CHECK(predicted_error(ways, 0) == 0);
    CHECK(predicted_error(ways, 1e6) == 100);
    CHECK(std::abs(predicted_error_of_noise(ways, 1e6) - 50) < 0.1);
}

TEST_CASE("chapter 14: attacks stay within eps and within the pixels, and raise the loss", "[attack]") {
    const double eps = 0.1;
    for (const Kind kind : {Kind::softmax, Kind::two_layer, Kind::cnn}) {
        Random random(6);
        const auto network = make_network<Cpu<float>>(kind, random);
        const ReadDigits digits = random_digits(*network, 3);
        const auto loss_of = [&](const Tensor<float>& x) {
            nn::CrossEntropyLoss<Cpu<float>> criterion;
            return criterion.forward((*network)(x), digits.y);
        };
        const float before = loss_of(digits.x);
        const auto one = fast_gradient_sign(*network, digits.x, digits.y, eps);
        const auto ten = iterated_signs(*network, digits.x, digits.y, eps);
        CHECK(loss_of(one) > before);
        CHECK(loss_of(ten) > before);
        float most = 0;
        bool inside = true;
        for (const auto* attacked : {&one, &ten}) {
            for (std::size_t i = 0; i < attacked->size(); ++i) {
                const float v = attacked->data()[i];
                most = std::max(most, std::abs(v - digits.x.data()[i]));
                inside = inside && v >= 0 && v <= 1;
            }
        }
        CHECK(inside);
        CHECK(std::abs(most - eps) < 1e-6);
        for (const auto* parameter : network->parameters()) { // the attack leaves no gradients behind
            for (const float d : parameter->grad) { REQUIRE(d == 0); }
        }
    }
}

TEST_CASE("chapter 14: with eps = 0 the adversarial loss and its gradient are the plain ones", "[attack]") {
    Random random(7);
    const auto network = make_network<Cpu<double>>(Kind::two_layer, random, Sizes{4, 1, 1});
    Tensor<double> x(Shape{2, 1, 28, 28});
    uniform_(x, 0.0, 1.0, random);
    const Labels y = {3, 8};
    network->zero_grad();
    nn::CrossEntropyLoss<Cpu<double>> plain;
    const double loss = plain.forward((*network)(x), y);
    network->backward(plain.backward(), nn::InputGradient::not_needed);
    std::vector<Tensor<double>> expected;
    for (const auto* parameter : network->parameters()) { expected.push_back(parameter->grad); }
    network->zero_grad();
    AdversarialLoss<Cpu<double>> adversarial(0);
    CHECK(std::abs(adversarial.forward(*network, x, y) - loss) < 1e-14 * loss);
    adversarial.backward(*network);
    for (std::size_t i = 0; i < expected.size(); ++i) {
        const Tensor<double>& grad = network->parameters()[i]->grad;
        for (std::size_t j = 0; j < grad.size(); ++j) {
            REQUIRE(std::abs(grad.data()[j] - expected[i].data()[j]) <=
                    1e-12 * std::abs(expected[i].data()[j]) + 1e-15);
        }
    }
}
