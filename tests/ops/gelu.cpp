// gelu, the form with tanh: its entry in the table of operations; its layer.

#include "catch.hpp"
#include "handgrad/nn/nn.hpp"
#include "support/operation.hpp"
#include "support/tensors.hpp"

using namespace handgrad;
using namespace support;

namespace {

const Chain gelu_chain{
    Operation::forward("gelu_forward", "x -> y=x", [](auto on, auto& a) { on.gelu_forward(a["x"], a["y"]); }),
    {{"gelu_backward", "x dy -> dx=x,dy", [](auto on, auto& a) { on.gelu_backward(a["x"], a["dy"], a["dx"]); }}}};

Tested tested_gelu() {
    Tested t;
    t.name = "gelu";
    t.batch = [](std::size_t n) { return Example{"", gelu_chain, {{"x", whole_numbers<double>({n, 19}, 1)}}}; };
    t.is_exact = false;
    t.forms = {{"gelu_forward", "x -> y", [](auto on, auto& a) { a["y"] = on.gelu_forward(a["x"]); }},
               {"gelu_backward", "x dy -> dx", [](auto on, auto& a) { a["dx"] = on.gelu_backward(a["x"], a["dy"]); }}};
    t.refusals = [] {
        return std::vector<Refusal>{{gelu_chain["gelu_backward"],
                                     {{"x", zeros<double>({7, 19})}, {"dy", zeros<double>({3})}},
                                     "dy has shape (3,), expected (7, 19)"}};
    };
    const auto of_shapes = [](const std::vector<Shape>& shapes) {
        std::vector<Example> all;
        for (const Shape& shape : shapes) {
            all.push_back({to_string(shape), gelu_chain, {{"x", normal_numbers<double>(shape, 1)}}});
        }
        return all;
    };
    t.aliased = [=] { return of_shapes({{7, 19}, {300, 1000}}); };
    t.large = [=] { return of_shapes({{30001, 10}, {300007}}); };
    t.gradients = [=] { return of_shapes({{3, 5}, {2, 3, 4}, {40}}); };
    t.mistakes = {{"dx", "y was taken for x",
                   [](const Backend& on, const Chain& chain, Values values) {
                       values["x"] = values["y"];
                       return chain(on, values).at("dx");
                   }},
                  {"dx", "it is relu's", [](const Backend& on, const Chain&, Values values) {
                       return chain_of("relu")(on, values).at("dx");
                   }}};
    t.cases = 4;
    t.torch_tolerance = 10;
    return t;
}

} // namespace

HANDGRAD_TEST_OPERATION("gelu", tested_gelu())

TEMPLATE_TEST_CASE("nn::GELU computes what the operation does", "[nn]", Cpu<float>, Cpu<double>) {
    using B = TestType;
    using T = typename B::Scalar;
    nn::GELU<B> layer;
    CHECK(layer.to_string() == "GELU()");
    const auto x = normal_numbers<T>({2, 3, 5}, 1), dy = normal_numbers<T>({2, 3, 5}, 2);
    CHECK(same_bits(layer.forward(x), B::gelu_forward(x)));
    CHECK(same_bits(layer.backward(dy), B::gelu_backward(x, dy)));
}
