// leaky_relu and silu: their entries in the table of operations; edges; their layers.

#include <cmath>

#include "catch.hpp"
#include "handgrad/nn/nn.hpp"
#include "nlohmann/json.hpp"
#include "support/operation.hpp"
#include "support/tensors.hpp"

using namespace handgrad;
using namespace support;

namespace {

Chain leaky_relu_chain(double slope = 0.01) {
    return {Operation::forward("leaky_relu_forward", "x -> y=x",
                               [=](auto on, auto& a) { on.leaky_relu_forward(a["x"], slope, a["y"]); }),
            {{"leaky_relu_backward", "x dy -> dx=x,dy",
              [=](auto on, auto& a) { on.leaky_relu_backward(a["x"], a["dy"], slope, a["dx"]); }}}};
}

const Chain silu_chain{
    Operation::forward("silu_forward", "x -> y=x", [](auto on, auto& a) { on.silu_forward(a["x"], a["y"]); }),
    {{"silu_backward", "x dy -> dx=x,dy", [](auto on, auto& a) { on.silu_backward(a["x"], a["dy"], a["dx"]); }}}};

/// What is tested of both.
Tested tested_smooth_activation(const std::string& name, const Chain& chain) {
    Tested t;
    t.name = name;
    t.is_exact = false;
    t.batch = [=](std::size_t n) { return Example{"", chain, {{"x", whole_numbers<double>({n, 19}, 1)}}}; };
    t.refusals = [=] {
        return std::vector<Refusal>{{chain.backward[0],
                                     {{"x", zeros<double>({7, 19})}, {"dy", zeros<double>({3})}},
                                     "dy has shape (3,), expected (7, 19)"}};
    };
    const auto of_shapes = [=](const std::vector<Shape>& shapes) {
        std::vector<Example> all;
        for (const Shape& shape : shapes) {
            all.push_back({to_string(shape), chain, {{"x", numbers_off_zero<double>(shape, 1)}}});
        }
        return all;
    };
    t.aliased = [=] { return of_shapes({{7, 19}, {300, 1000}}); };
    t.large = [=] { return of_shapes({{30001, 10}, {300007}}); };
    t.gradients = [=] { return of_shapes({{3, 5}, {2, 3, 4}, {40}}); };
    t.torch_tolerance = 10;
    return t;
}

Tested tested_leaky_relu() {
    Tested t = tested_smooth_activation("leaky_relu", leaky_relu_chain());
    t.forms = {{"leaky_relu_forward", "x -> y", [](auto on, auto& a) { a["y"] = on.leaky_relu_forward(a["x"], 0.01); }},
               {"leaky_relu_backward", "x dy -> dx",
                [](auto on, auto& a) { a["dx"] = on.leaky_relu_backward(a["x"], a["dy"], 0.01); }}};
    t.mistakes = {
        {"dx", "it is relu's",
         [](const Backend& on, const Chain&, Values values) { return chain_of("relu")(on, values).at("dx"); }},
        {"dx", "it has another slope",
         [](const Backend& on, const Chain&, Values values) { return leaky_relu_chain(0.02)(on, values).at("dx"); }},
        {"dx", "the slope is on the other side", [](const Backend& on, const Chain& chain, Values values) {
             values["x"] = Tensor<double>(-values["x"]);
             chain.backward[0](on, values);
             return values.at("dx");
         }}};
    t.cases = 5;
    t.torch_chain = [](const nlohmann::ordered_json& options) {
        return std::vector<Chain>{leaky_relu_chain(options.at("negative_slope").get<double>())};
    };
    return t;
}

Tested tested_silu() {
    Tested t = tested_smooth_activation("silu", silu_chain);
    t.forms = {{"silu_forward", "x -> y", [](auto on, auto& a) { a["y"] = on.silu_forward(a["x"]); }},
               {"silu_backward", "x dy -> dx", [](auto on, auto& a) { a["dx"] = on.silu_backward(a["x"], a["dy"]); }}};
    t.mistakes = {
        {"dx", "y was taken for x",
         [](const Backend& on, const Chain& chain, Values values) {
             values["x"] = values["y"];
             return chain(on, values).at("dx");
         }},
        {"dx", "the derivative of the sigmoid is missing", [](const Backend& on, const Chain&, const Values& values) {
             const Tensor<double> s = chain_of("sigmoid")(on, {{"x", values.at("x")}}).at("y");
             return Tensor<double>(values.at("dy") * s);
         }}};
    t.cases = 4;
    return t;
}

} // namespace

HANDGRAD_TEST_OPERATION("leaky_relu", tested_leaky_relu())
HANDGRAD_TEST_OPERATION("silu", tested_silu())

HANDGRAD_TEST_ON_BACKENDS("leaky_relu and silu: at zero, and at the ends of the range", "[ops][activation][edges]") {
    const double inf = std::numeric_limits<double>::infinity(), nan = std::nan("");
    const auto x = tensor<double>({8}, {0, -0.0, -4, 4, inf, nan, -1e4, 1e4}), ones = full<double>({8}, 1);
    const Values leaky = leaky_relu_chain(0.25)(on, {{"x", x}, {"dy", ones}});
    const Tensor<double>&y = leaky.at("y"), &dx = leaky.at("dx");
    CHECK((y(0) == 0 && std::signbit(y(1)) && y(2) == -1 && y(3) == 4 && y(4) == inf && std::isnan(y(5))));
    CHECK((dx(0) == 0.25 && dx(1) == 0.25 && dx(2) == 0.25 && dx(3) == 1 && dx(4) == 1));
    const Values silu = silu_chain(on, {{"x", x}, {"dy", ones}});
    const Tensor<double>&z = silu.at("y"), &dz = silu.at("dx");
    CHECK((z(0) == 0 && z(4) == inf && std::isnan(z(5)) && z(6) == 0 && z(7) == 1e4));
    CHECK((dz(0) == 0.5 && dz(6) == 0 && dz(7) == 1));
}

TEMPLATE_TEST_CASE("nn::LeakyReLU and nn::SiLU compute what the operations do", "[nn]", HANDGRAD_TWO_BACKENDS) {
    using B = TestType;
    using T = typename B::Scalar;
    const auto x = normal_numbers<T>({2, 3, 5}, 1), dy = normal_numbers<T>({2, 3, 5}, 2);
    nn::LeakyReLU<B> leaky, steep(0.2);
    CHECK(leaky.to_string() == "LeakyReLU(negative_slope=0.01)");
    CHECK(steep.to_string() == "LeakyReLU(negative_slope=0.2)");
    CHECK(same_bits(leaky.forward(x), B::leaky_relu_forward(x, 0.01)));
    CHECK(same_bits(leaky.backward(dy), B::leaky_relu_backward(x, dy, 0.01)));
    CHECK(same_bits(steep.forward(x), B::leaky_relu_forward(x, 0.2)));
    CHECK(same_bits(steep.backward(dy), B::leaky_relu_backward(x, dy, 0.2)));
    nn::SiLU<B> silu;
    CHECK(silu.to_string() == "SiLU()");
    CHECK(same_bits(silu.forward(x), B::silu_forward(x)));
    CHECK(same_bits(silu.backward(dy), B::silu_backward(x, dy)));
}
