// relu, sigmoid and tanh: their entries in the table of operations; values, kinks, and numbers at the ends of the range.

#include "catch.hpp"
#include "support/operation.hpp"
#include "support/tensors.hpp"

using namespace handgrad;
using namespace support;

namespace {

const Chain relu_chain{
    Operation::forward("relu_forward", "x -> y=x", [](auto on, auto& a) { on.relu_forward(a["x"], a["y"]); }),
    {{"relu_backward", "x dy -> dx=x,dy", [](auto on, auto& a) { on.relu_backward(a["x"], a["dy"], a["dx"]); }}}};
const Chain sigmoid_chain{
    Operation::forward("sigmoid_forward", "x -> y=x", [](auto on, auto& a) { on.sigmoid_forward(a["x"], a["y"]); }),
    {{"sigmoid_backward", "y dy -> dx=y,dy", [](auto on, auto& a) { on.sigmoid_backward(a["y"], a["dy"], a["dx"]); }}}};
const Chain tanh_chain{
    Operation::forward("tanh_forward", "x -> y=x", [](auto on, auto& a) { on.tanh_forward(a["x"], a["y"]); }),
    {{"tanh_backward", "y dy -> dx=y,dy", [](auto on, auto& a) { on.tanh_backward(a["y"], a["dy"], a["dx"]); }}}};

/// What is tested of an activation.
Tested tested_activation(const std::string& name, const Chain& chain, const std::string& kept) {
    Tested t;
    t.name = name;
    t.batch = [chain](std::size_t n) { return Example{"", chain, {{"x", whole_numbers<double>({n, 4}, 1)}}}; };
    const auto of_shapes = [chain](const std::vector<Shape>& shapes) {
        std::vector<Example> all;
        for (const Shape& shape : shapes) {
            all.push_back({to_string(shape), chain, {{"x", numbers_off_zero<double>(shape, 1)}}});
        }
        return all;
    };
    // Rows of some and of very many numbers: the latter are cut up for the threads.
    t.aliased = [=] { return of_shapes({{3, 7}, {300, 1000}}); };
    t.large = [=] { return of_shapes({{30001, 10}, {65, 1001}, {300007, 1}}); };
    t.gradients = [=] { return of_shapes({{3, 5}, {2, 3, 4}, {40}}); };
    t.refusals = [=] {
        const auto a = zeros<double>({2, 3}), b = zeros<double>({3, 2});
        return std::vector<Refusal>{
            {chain.backward[0], {{kept, a}, {"dy", b}}, "dy has shape (3, 2), expected (2, 3)"}};
    };
    t.cases = 4;
    return t;
}

/// The gradient by the operation itself, with another value of one argument.
Mistake activation_mistake(const std::string& what, const std::string& argument,
                           const std::function<Tensor<double>(const Values&)>& wrong) {
    return {"dx", what, [=](const Backend& on, const Chain& chain, Values values) {
                values[argument] = wrong(values);
                chain.backward[0](on, values);
                return values.at("dx");
            }};
}

Tested tested_relu() {
    Tested t = tested_activation("relu", relu_chain, "x");
    t.forms = {{"relu_forward", "x -> y", [](auto on, auto& a) { a["y"] = on.relu_forward(a["x"]); }},
               {"relu_backward", "x dy -> dx", [](auto on, auto& a) { a["dx"] = on.relu_backward(a["x"], a["dy"]); }}};
    t.mistakes = {
        {"dx", "it passes everywhere", [](const Backend&, const Chain&, const Values& v) { return v.at("dy"); }},
        activation_mistake("it passes where x < 0", "x", [](const Values& v) { return Tensor<double>(-v.at("x")); })};
    return t;
}

Tested tested_sigmoid() {
    Tested t = tested_activation("sigmoid", sigmoid_chain, "y");
    t.is_exact = false;
    t.forms = {
        {"sigmoid_forward", "x -> y", [](auto on, auto& a) { a["y"] = on.sigmoid_forward(a["x"]); }},
        {"sigmoid_backward", "y dy -> dx", [](auto on, auto& a) { a["dx"] = on.sigmoid_backward(a["y"], a["dy"]); }}};
    t.mistakes = {
        {"dx", "y is missing",
         [](const Backend&, const Chain&, const Values& v) { return Tensor<double>(v.at("dy") * (1.0 - v.at("y"))); }},
        activation_mistake("x was taken for y", "y", [](const Values& v) { return v.at("x"); })};
    return t;
}

Tested tested_tanh() {
    Tested t = tested_activation("tanh", tanh_chain, "y");
    t.is_exact = false;
    t.forms = {{"tanh_forward", "x -> y", [](auto on, auto& a) { a["y"] = on.tanh_forward(a["x"]); }},
               {"tanh_backward", "y dy -> dx", [](auto on, auto& a) { a["dx"] = on.tanh_backward(a["y"], a["dy"]); }}};
    t.mistakes = {
        {"dx", "y is not squared",
         [](const Backend&, const Chain&, const Values& v) { return Tensor<double>(v.at("dy") * (1.0 - v.at("y"))); }},
        activation_mistake("x was taken for y", "y", [](const Values& v) { return v.at("x"); })};
    return t;
}

/// An activation, and the same for one number in long double, the slope as a function of x and f(x).
struct Formula {
    const char* name;
    const Chain& chain;
    long double (*f)(long double);
    long double (*slope)(long double x, long double y);
};
const Formula formulas[] = {{"relu", relu_chain, [](long double x) { return x > 0 ? x : 0.0L; },
                             [](long double x, long double) { return x > 0 ? 1.0L : 0.0L; }},
                            {"sigmoid", sigmoid_chain, [](long double x) { return 1 / (1 + std::exp(-x)); },
                             [](long double, long double y) { return y * (1 - y); }},
                            {"tanh", tanh_chain, [](long double x) { return std::tanh(x); },
                             [](long double, long double y) { return 1 - y * y; }}};

/// f(x) alone.
Tensor<double> activation_of(const Backend& on, const Chain& chain, const Tensor<double>& x) {
    return chain(on, {{"x", x}}).at("y");
}
/// The gradient alone, computed from x or y, which f keeps.
Tensor<double> activation_gradient(const Backend& on, const Chain& chain, const Tensor<double>& kept,
                                   const Tensor<double>& dy) {
    Values values{{chain.backward[0].operands()[0].name, kept}, {"dy", dy}};
    chain.backward[0](on, values);
    return values.at("dx");
}

/// The shapes of the tests: one entry, partial registers, several chunks for the threads, more than two dimensions.
const Shape activation_shapes[] = {{1, 1},    {2, 3},       {3, 5}, {7, 9}, {7, 16},
                                   {64, 100}, {3, 2, 4, 5}, {13},   {},     {300007}};

} // namespace

HANDGRAD_TEST_OPERATION("relu", tested_relu())
HANDGRAD_TEST_OPERATION("sigmoid", tested_sigmoid())
HANDGRAD_TEST_OPERATION("tanh", tested_tanh())

HANDGRAD_TEST_ON_BACKENDS("activations: every entry by the formula, in buffers of all kinds", "[ops][activation]") {
    for (const Formula& formula : formulas) {
        for (const Shape& shape : activation_shapes) {
            INFO(formula.name << " " << to_string(shape));
            const auto x = normal_numbers<double>(shape, 1), dy = normal_numbers<double>(shape, 2);
            Tensor<double> y(shape), dx(shape);
            for (std::size_t i = 0; i < x.size(); ++i) {
                const long double right = formula.f(static_cast<long double>(x.data()[i]));
                y.data()[i] = static_cast<double>(right);
                dx.data()[i] = static_cast<double>(dy.data()[i] * formula.slope(x.data()[i], right));
            }
            const Values got = formula.chain(on, {{"x", x}, {"dy", dy}});
            REQUIRE(difference(got.at("y"), y) <= 4 * on.epsilon());
            REQUIRE(difference(got.at("dx"), dx) <= 8 * on.epsilon());
            for (const double dirt : {999.0, std::numeric_limits<double>::quiet_NaN()}) {
                for (const Shape& dirty : {shape, Shape{3, 1, 2}, Shape{}}) {
                    const auto buffer = full<double>(dirty, dirt);
                    const Values again = formula.chain(on, {{"x", x}, {"dy", dy}, {"y", buffer}, {"dx", buffer}});
                    REQUIRE(same_bits(again.at("y"), got.at("y")));
                    REQUIRE(same_bits(again.at("dx"), got.at("dx")));
                }
            }
        }
    }
}

HANDGRAD_TEST_ON_BACKENDS("relu: at the kink, and for numbers that are none", "[ops][activation]") {
    const double inf = std::numeric_limits<double>::infinity(), nan = std::numeric_limits<double>::quiet_NaN(),
                 least = on.denorm_min();
    const auto x = tensor<double>({9}, {0, -0.0, nan, inf, -inf, least, -least, 2, -2});
    const auto y = activation_of(on, relu_chain, x), dx = activation_gradient(on, relu_chain, x, full<double>({9}, 3));
    CHECK(std::isnan(y(2)));
    CHECK(dx(2) == 3); // NaN passes back too, as in PyTorch
    CHECK((y(0) == 0 && y(1) == 0 && y(3) == inf && y(4) == 0 && y(5) == least && y(6) == 0 && y(7) == 2 && y(8) == 0));
    CHECK_FALSE((std::signbit(y(0)) || std::signbit(y(4)) || std::signbit(y(8))));
    CHECK(equal_numbers(dx, tensor<double>({9}, {0, 0, 3, 3, 0, 3, 0, 3, 0})));
    const auto through = activation_gradient(on, relu_chain, tensor<double>({3}, {1, -1, 0}), full<double>({3}, nan));
    CHECK((std::isnan(through(0)) && through(1) == 0 && through(2) == 0));
}

HANDGRAD_TEST_ON_BACKENDS("sigmoid and tanh: at the ends of the range", "[ops][activation]") {
    const double inf = std::numeric_limits<double>::infinity(), nan = std::numeric_limits<double>::quiet_NaN(),
                 least = on.denorm_min();
    for (const std::size_t lead : {0, 16}) { // in a partial register and in whole ones
        Tensor<double> x = zeros<double>({lead + 16});
        const auto edge =
            tensor<double>({12}, {1e4, -1e4, inf, -inf, nan, 0, -0.0, least, -least, on.max(), -on.max(), on.min()});
        std::copy_n(edge.data(), edge.size(), x.data());
        const auto s = activation_of(on, sigmoid_chain, x), t = activation_of(on, tanh_chain, x);
        CHECK((s(0) == 1 && s(1) == 0 && s(2) == 1 && s(3) == 0 && s(9) == 1 && s(10) == 0));
        CHECK((t(0) == 1 && t(1) == -1 && t(2) == 1 && t(3) == -1 && t(9) == 1 && t(10) == -1));
        CHECK((std::isnan(s(4)) && std::isnan(t(4))));
        CHECK((s(5) == 0.5 && s(6) == 0.5 && s(7) == 0.5 && s(8) == 0.5 && s(11) == 0.5));
        CHECK((t(5) == 0 && t(6) == 0));
        CHECK(std::signbit(t(6)));
        CHECK(std::abs(t(7)) <= 2 * least); // to the last digit of a subnormal number
        CHECK(std::abs(t(8)) <= 2 * least);
        CHECK(std::abs(t(11) - on.min()) <= on.epsilon() * on.min());

        const auto dy = full<double>(x.shape(), 1);
        const auto ds = activation_gradient(on, sigmoid_chain, s, dy), dt = activation_gradient(on, tanh_chain, t, dy);
        for (const std::size_t i : {0, 1, 2, 3, 9, 10}) {
            CHECK(ds(i) == 0);
            CHECK(dt(i) == 0);
        }
        CHECK((std::isnan(ds(4)) && std::isnan(dt(4))));
        CHECK((ds(5) == 0.25 && dt(5) == 1));
    }
}

HANDGRAD_TEST_ON_BACKENDS("sigmoid and tanh: small results keep their digits", "[ops][activation]") {
    const double eps = on.epsilon(), lowest = on.is_float ? -85 : -700;
    for (double v = lowest; v <= 0; v += 0.37) {
        const long double at = on.stored(v);
        const double s = static_cast<double>(std::exp(at) / (1 + std::exp(at)));
        INFO("x " << v);
        CHECK(std::abs(activation_of(on, sigmoid_chain, full<double>({5}, v))(4) - s) <= 8 * eps * s);
    }
    for (double v = 1e-30; v <= 20; v *= 1.7) {
        const double t = static_cast<double>(std::tanh(static_cast<long double>(on.stored(-v))));
        INFO("x " << -v);
        CHECK(std::abs(activation_of(on, tanh_chain, full<double>({5}, -v))(4) - t) <= 8 * eps * std::abs(t));
    }
}

HANDGRAD_TEST_ON_BACKENDS("relu(x) - relu(-x) is x, and so are their gradients'", "[metamorphic]") {
    const auto x = numbers_off_zero<double>({11, 13}, 1), dy = normal_numbers<double>({11, 13}, 2);
    const Tensor<double> minus_x = -x;
    CHECK(equal_numbers(Tensor<double>(activation_of(on, relu_chain, x) - activation_of(on, relu_chain, minus_x)), x));
    CHECK(equal_numbers(
        Tensor<double>(activation_gradient(on, relu_chain, x, dy) + activation_gradient(on, relu_chain, minus_x, dy)),
        dy));
    // tanh is odd, and the sigmoid is a tanh: s(x) = (1 + tanh(x / 2)) / 2.
    const Tensor<double> half = 0.5 * x, minus_half = -half, tanh = activation_of(on, tanh_chain, half);
    CHECK(equal_numbers(Tensor<double>(-activation_of(on, tanh_chain, minus_half)), tanh));
    CHECK(difference(activation_of(on, sigmoid_chain, x), Tensor<double>(0.5 + 0.5 * tanh)) <= on.rounding());
}
