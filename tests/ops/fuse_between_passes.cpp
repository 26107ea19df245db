// ConvReLUMaxPool2d that is switched between its two ways of computing.

#include "catch.hpp"
#include "handgrad/backends/cpu.hpp"
#include "handgrad/nn/nn.hpp"
#include "support/tensors.hpp"

using namespace handgrad;
using namespace support;

namespace {

/// The gradients of a forward in one way and of a backward after a switch to another.
template <class T> std::vector<Tensor<T>> gradients_switched(bool forward_fused, bool backward_fused) {
    using B = Cpu<T>;
    Random random(1);
    nn::ConvReLUMaxPool2d<B> layer(2, 3, 3, random);
    const auto other = whole_numbers<T>({2, 2, 8, 8}, 8), x = whole_numbers<T>({4, 2, 8, 8}, 2);
    const auto dy = whole_numbers<T>({4, 3, 3, 3}, 3), other_dy = whole_numbers<T>({2, 3, 3, 3}, 4);
    for (const bool fused : {false, true}) { // both ways have results of an earlier batch
        layer.fuse(fused);
        layer.forward(other);
        layer.backward(other_dy);
    }
    layer.zero_grad();
    layer.fuse(forward_fused);
    layer.forward(x);
    layer.fuse(backward_fused);
    const Tensor<T> dx = layer.backward(dy);
    return {dx, layer.conv.weight.grad, layer.conv.bias.grad};
}

} // namespace

TEMPLATE_TEST_CASE("ConvReLUMaxPool2d: fuse() between forward and backward holds from the next forward on",
                   "[ops][fused]", float, double) {
    const auto expected = gradients_switched<TestType>(true, true);
    for (const bool forward_fused : {true, false}) {
        for (const bool backward_fused : {true, false}) {
            INFO("forward " << forward_fused << ", backward " << backward_fused);
            const auto got = gradients_switched<TestType>(forward_fused, backward_fused);
            for (std::size_t i = 0; i < expected.size(); ++i) {
                CHECK(difference(got[i], expected[i]) < rounding<TestType>());
            }
        }
    }
}
