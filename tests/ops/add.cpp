// add: its entry in the table of operations; nn::Residual; global average pooling.

#include "catch.hpp"
#include "fixtures/pytorch.hpp"
#include "handgrad/nn/nn.hpp"
#include "handgrad/nn/summary.hpp"
#include "support/gradients.hpp"
#include "support/operation.hpp"
#include "support/tensors.hpp"

using namespace handgrad;
using namespace support;

namespace {

const Chain add_chain{
    Operation::forward("add_forward", "a b -> y=a,b", [](auto on, auto& a) { on.add_forward(a["a"], a["b"], a["y"]); }),
    {{"add_backward", "dy -> da=dy db=dy", [](auto on, auto& a) { on.add_backward(a["dy"], a["da"], a["db"]); }}}};

Tested tested_add() {
    Tested t;
    t.name = "add";
    const auto arguments = [](const Shape& shape) {
        return Values{{"a", whole_numbers<double>(shape, 1)}, {"b", whole_numbers<double>(shape, 2)}};
    };
    t.batch = [=](std::size_t n) { return Example{"", add_chain, arguments({n, 19})}; };
    t.forms = {{"add_forward", "a b -> y", [](auto on, auto& a) { a["y"] = on.add_forward(a["a"], a["b"]); }},
               {"add_backward", "dy -> da db", [](auto on, auto& a) {
                    auto r = on.add_backward(a["dy"]);
                    a["da"] = r.da, a["db"] = r.db;
                }}};
    t.refusals = [] {
        return std::vector<Refusal>{{add_chain.forward,
                                     {{"a", zeros<double>({2, 3})}, {"b", zeros<double>({3})}},
                                     "b has shape (3,), expected (2, 3)"}};
    };
    const auto of_shapes = [=](const std::vector<Shape>& shapes) {
        std::vector<Example> all;
        for (const Shape& shape : shapes) { all.push_back({to_string(shape), add_chain, arguments(shape)}); }
        return all;
    };
    t.large = [=] { return of_shapes({{30001, 10}, {300007}}); };
    t.gradients = [=] { return of_shapes({{3, 5}, {2, 3, 4}, {40}}); };
    t.mistakes = {{"da", "the gradient is shared out",
                   [](const Backend&, const Chain&, const Values& v) { return Tensor<double>(0.5 * v.at("dy")); }},
                  {"db", "the gradient is that of a difference",
                   [](const Backend&, const Chain&, const Values& v) { return Tensor<double>(-v.at("dy")); }}};
    t.cases = 4;
    return t;
}

/// body(x) + shortcut(x) of small layers.
template <class B> std::unique_ptr<nn::Residual<B>> residual(bool with_shortcut) {
    Random random(1);
    auto body = std::make_unique<nn::Sequential<B>>();
    body->template add<nn::Linear<B>>(4, 5, random);
    body->template add<nn::Tanh<B>>();
    body->template add<nn::Linear<B>>(5, with_shortcut ? 3 : 4, random);
    std::unique_ptr<nn::Module<B>> shortcut;
    if (with_shortcut) { shortcut = std::make_unique<nn::Linear<B>>(4, 3, random); }
    return std::make_unique<nn::Residual<B>>(std::move(body), std::move(shortcut));
}

} // namespace

HANDGRAD_TEST_OPERATION("add", tested_add())

TEMPLATE_TEST_CASE("nn::Residual adds the body and the shortcut, forward and backward", "[nn][residual][gradients]",
                   Cpu<double>, Reference<double>) {
    using B = TestType;
    using C = Reference<std::complex<double>>;
    for (const bool with_shortcut : {false, true}) {
        INFO((with_shortcut ? "with a shortcut" : "without"));
        const auto layer = residual<B>(with_shortcut);
        const auto x = normal_numbers<double>({3, 4}, 1);
        const auto dy = normal_numbers<double>(layer->output_shape(x.shape()), 2);
        layer->forward(x);
        const Tensor<double> dx = layer->backward(dy);
        const auto numeric = check::complex_step(
            [&](const auto& v) { return check::weighted_sum(residual<C>(with_shortcut)->forward(v), dy); }, x);
        CHECK(difference(dx, numeric) <= 1e-13);
        for (const auto& [name, parameter] : layer->named_parameters()) {
            INFO(name);
            const auto of_parameter = check::complex_step(
                [&, wanted = name](const auto& v) {
                    const auto complex = residual<C>(with_shortcut);
                    for (const auto& [other, value] : complex->named_parameters()) {
                        if (other == wanted) { value->value = v; }
                    }
                    const auto input = check::cast_like(v, x);
                    return check::weighted_sum(complex->forward(input), dy);
                },
                parameter->value);
            CHECK(difference(parameter->grad, of_parameter) <= 1e-13);
        }
    }
    const auto layers = nn::layers(*residual<B>(true), {2, 4}); // both parts get the input of (2, 4)
    REQUIRE(layers.size() == 4);
    CHECK(layers[2].name == "body.2");
    CHECK(layers[3].name == "shortcut");
    CHECK(layers[3].output == Shape{2, 3});
    CHECK(layers[3].parameters == 15);
    CHECK(message_of<std::invalid_argument>([] { nn::Residual<B> none(nullptr); }) ==
          "Residual: body is missing, expected a module");
    Random random(1);
    nn::Residual<B> narrow(std::make_unique<nn::Linear<B>>(4, 3, random));
    const auto x = normal_numbers<double>({3, 4}, 1);
    const std::string message = "Residual: the shortcut's result has shape (3, 4), expected (3, 3)";
    CHECK(message_of([&] { narrow.forward(x); }) == message);
    CHECK(message_of([&] { narrow.output_shape({3, 4}); }) == message);
}

TEMPLATE_TEST_CASE("nn::AdaptiveAvgPool2d is PyTorch's with an output of one number", "[nn][pool2d][torch]",
                   HANDGRAD_BACKENDS) {
    using B = TestType;
    using T = typename B::Scalar;
    nn::AdaptiveAvgPool2d<B> layer;
    CHECK(layer.to_string() == "AdaptiveAvgPool2d(output_size=1)");
    CHECK(layer.output_shape({2, 3, 4, 5}) == Shape{2, 3, 1, 1});
    const auto cases = pytorch::cases("adaptive_avg_pool2d");
    CHECK(cases.size() == 4);
    for (const pytorch::Case& c : cases) {
        INFO(c.name);
        const auto x = c.get<T>("x"), dy = c.get<T>("dy");
        CHECK(difference(layer.forward(x), c.get<T>("y")) <= 10 * rounding<T>());
        CHECK(difference(layer.backward(dy), c.get<T>("dx")) <= rounding<T>());
    }
    const auto flat = normal_numbers<T>({2, 3}, 1);
    CHECK(message_of([&] { layer.forward(flat); }) ==
          "AdaptiveAvgPool2d: x has shape (2, 3), expected 4 dimensions (N, C, H, W)");
    CHECK(message_of([] { nn::AdaptiveAvgPool2d<B> two(2); }) == "AdaptiveAvgPool2d: output_size is 2, expected 1");
}
