// gelu, the form with tanh, on all backends: against PyTorch and the complex step; in place; its layer.

#include "catch.hpp"
#include "fixtures/pytorch.hpp"
#include "handgrad/backends/cpu.hpp"
#include "handgrad/backends/reference.hpp"
#include "handgrad/check/check.hpp"
#include "handgrad/nn/nn.hpp"
#include "support/gradients.hpp"
#include "support/tensors.hpp"

using namespace handgrad;
using namespace support;

TEMPLATE_TEST_CASE("gelu equals PyTorch's", "[ops][torch]", HANDGRAD_BACKENDS) {
    using B = TestType;
    using T = typename B::Scalar;
    REQUIRE(pytorch::cases("gelu").size() == 4);
    for (const pytorch::Case& c : pytorch::cases("gelu")) {
        INFO(c.name);
        const auto x = c.get<T>("x"), dy = c.get<T>("dy");
        CHECK(difference(B::gelu_forward(x), c.get<double>("y")) <= 10 * rounding<T>());
        CHECK(difference(B::gelu_backward(x, dy), c.get<double>("dx")) <= 10 * rounding<T>());
    }
}

TEMPLATE_TEST_CASE("gradients of gelu", "[gradients]", HANDGRAD_BACKENDS) {
    using B = TestType;
    using T = typename B::Scalar;
    for (const Shape& shape : {Shape{3, 5}, Shape{2, 3, 4}, Shape{40}}) {
        INFO(to_string(shape));
        const auto x = normal_numbers<double>(shape, 1), dy = normal_numbers<double>(shape, 2);
        const Tensor<T> xt = to<T>(x), dyt = to<T>(dy);
        const Numeric gelu(
            "dgelu", [&](const auto& v) { return check::weighted_sum(reference::gelu_forward(v), dy); }, x);
        gelu.prove(B::gelu_backward(xt, dyt));
        gelu.refuse("y was taken for x", B::gelu_backward(B::gelu_forward(xt), dyt));
        gelu.refuse("it is relu's", B::relu_backward(xt, dyt));
    }
}

TEMPLATE_TEST_CASE("gelu: in place, in dirty buffers, of an empty tensor, with errors", "[ops]", HANDGRAD_BACKENDS) {
    using B = TestType;
    using T = typename B::Scalar;
    const auto x = normal_numbers<T>({7, 19}, 1), dy = normal_numbers<T>({7, 19}, 2);
    const Tensor<T> y = B::gelu_forward(x), dx = B::gelu_backward(x, dy);
    CHECK(overwrites(y, [&](Tensor<T>& t) { B::gelu_forward(x, t); }));
    CHECK(overwrites(dx, [&](Tensor<T>& t) { B::gelu_backward(x, dy, t); }));
    Tensor<T> same = x, gradient = dy;
    B::gelu_forward(same, same);
    CHECK(same_bits(same, y));
    B::gelu_backward(x, gradient, gradient);
    CHECK(same_bits(gradient, dx));
    CHECK(B::gelu_forward(zeros<T>({0, 3})).shape() == Shape{0, 3});
    CHECK(message_of([&] { B::gelu_backward(x, zeros<T>({3})); }) ==
          "gelu_backward: dy has shape (3,), expected (7, 19)");
}

TEMPLATE_TEST_CASE("nn::GELU computes what the operation does", "[nn]", HANDGRAD_BACKENDS) {
    using B = TestType;
    using T = typename B::Scalar;
    nn::GELU<B> layer;
    CHECK(layer.to_string() == "GELU()");
    const auto x = normal_numbers<T>({2, 3, 5}, 1), dy = normal_numbers<T>({2, 3, 5}, 2);
    CHECK(same_bits(layer.forward(x), B::gelu_forward(x)));
    CHECK(same_bits(layer.backward(dy), B::gelu_backward(x, dy)));
}
