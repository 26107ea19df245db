// A backward whose gradient nobody needs.

#include <stdexcept>

#include "catch.hpp"
#include "handgrad/backends/cpu.hpp"
#include "handgrad/nn/nn.hpp"
#include "support/tensors.hpp"

using namespace handgrad;
using namespace support;

TEST_CASE("a backward that has nothing to compute ends the forward all the same", "[nn]") {
    nn::ReLU<Cpu<float>> relu;
    const auto x = whole_numbers<float>({2, 3}, 1), dy = whole_numbers<float>({2, 3}, 2);
    relu.forward(x);
    CHECK(relu.backward(dy, nn::InputGradient::not_needed).size() == 0);
    CHECK_THROWS_AS(relu.backward(dy), std::logic_error);
    CHECK_THROWS_AS(relu.backward(dy, nn::InputGradient::not_needed), std::logic_error);
    relu.forward(x);
    CHECK(relu.backward(dy).shape() == x.shape());
}
