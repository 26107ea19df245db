// Modules: names, printing, parameters, gradients that add up, and what they refuse.

#include <type_traits>

#include "catch.hpp"
#include "handgrad/backends/cpu.hpp"
#include "handgrad/backends/reference.hpp"
#include "handgrad/nn/nn.hpp"
#include "support/tensors.hpp"

using namespace handgrad;
using namespace support;
using nn::InputGradient;

namespace {

/// A model of named parts, one inside another.
template <class B> class Nested : public nn::Module<B> {
public:
    using typename nn::Module<B>::Tensor;

    nn::Flatten<B> flatten;
    nn::Sequential<B> body;
    nn::ReLU<B> act;

    explicit Nested(Random& random) {
        body.template add<nn::Linear<B>>(4, 3, random);
        body.template add<nn::Sigmoid<B>>();
        auto& inner = body.template add<nn::Sequential<B>>();
        inner.template add<nn::Tanh<B>>();
        inner.template add<nn::Linear<B>>(3, 2, random);
        body.template add<nn::Sequential<B>>();
        this->register_module("flatten", flatten);
        this->register_module("body", body);
        this->register_module("act", act);
    }

    const Tensor& forward_pass(const Tensor& x) override { return act.forward(body.forward(flatten.forward(x))); }
    const Tensor& backward_pass(const Tensor& dy, InputGradient input) override {
        return flatten.backward(body.backward(act.backward(dy)), input);
    }
    std::string name() const override { return "Nested"; }
};

/// Linear, an activation, Linear.
template <class B, template <class> class Activation> nn::Sequential<B>& fill(nn::Sequential<B>& net) {
    Random random(5);
    net.template add<nn::Linear<B>>(4, 6, random);
    net.template add<Activation<B>>();
    net.template add<nn::Linear<B>>(6, 3, random);
    return net;
}

// Whether a call compiles.
template <class M, class X, class = void> constexpr bool can_forward = false;
template <class M, class X>
constexpr bool can_forward<M, X, std::void_t<decltype(std::declval<M&>().forward(std::declval<X>()))>> = true;
template <class M, class X, class = void> constexpr bool can_call = false;
template <class M, class X>
constexpr bool can_call<M, X, std::void_t<decltype(std::declval<M&>()(std::declval<X>()))>> = true;
template <class M> constexpr bool takes_only_what_stays =
    can_forward<M, Tensor<float>&>&& can_forward<M, const Tensor<float>&> && !can_forward<M, Tensor<float>> &&
    can_call<M, Tensor<float>&> && can_call<M, const Tensor<float>&> && !can_call<M, Tensor<float>>;
static_assert(takes_only_what_stays<nn::Module<Cpu<float>>>);
static_assert(takes_only_what_stays<nn::Linear<Cpu<float>>>);
static_assert(takes_only_what_stays<nn::ReLU<Cpu<float>>>);
static_assert(takes_only_what_stays<nn::Sigmoid<Cpu<float>>>);
static_assert(takes_only_what_stays<nn::Tanh<Cpu<float>>>);
static_assert(takes_only_what_stays<nn::Flatten<Cpu<float>>>);
static_assert(takes_only_what_stays<nn::Sequential<Cpu<float>>>);

template <class Y, class = void> constexpr bool can_label_with = false;
template <class Y>
constexpr bool can_label_with<Y, std::void_t<decltype(std::declval<nn::CrossEntropyLoss<Cpu<float>>&>().forward(
                                     Tensor<float>(), std::declval<Y>()))>> = true;
static_assert(can_label_with<Labels&> && can_label_with<const Labels&> && !can_label_with<Labels>);

// A module hands out pointers to its own parameters: it stays where it is.
static_assert(!std::is_copy_constructible_v<nn::Linear<Cpu<float>>> &&
              !std::is_move_constructible_v<Nested<Cpu<float>>>);

} // namespace

TEST_CASE("modules print as PyTorch prints them", "[nn]") {
    using B = Cpu<float>;
    Random random(1);
    nn::Sequential<B> net;
    CHECK(net.to_string() == "Sequential()");
    net.add<nn::Flatten<B>>();
    net.add<nn::Linear<B>>(784, 100, random);
    net.add<nn::ReLU<B>>();
    net.add<nn::Linear<B>>(100, 10, random);
    CHECK(net.to_string() == "Sequential(\n"
                             "  (0): Flatten(start_dim=1, end_dim=-1)\n"
                             "  (1): Linear(in_features=784, out_features=100, bias=True)\n"
                             "  (2): ReLU()\n"
                             "  (3): Linear(in_features=100, out_features=10, bias=True)\n"
                             ")");
    CHECK(net.parameter_count() == 79510);
    CHECK(net.size() == 4);
    CHECK(net[2].to_string() == "ReLU()");
    CHECK_THROWS_AS(net[4], std::out_of_range);
    CHECK(Nested<B>(random).to_string() == "Nested(\n"
                                           "  (flatten): Flatten(start_dim=1, end_dim=-1)\n"
                                           "  (body): Sequential(\n"
                                           "    (0): Linear(in_features=4, out_features=3, bias=True)\n"
                                           "    (1): Sigmoid()\n"
                                           "    (2): Sequential(\n"
                                           "      (0): Tanh()\n"
                                           "      (1): Linear(in_features=3, out_features=2, bias=True)\n"
                                           "    )\n"
                                           "    (3): Sequential()\n"
                                           "  )\n"
                                           "  (act): ReLU()\n"
                                           ")");
}

TEST_CASE("parameters are named as PyTorch names them", "[nn]") {
    Random random(1);
    Nested<Cpu<double>> model(random);
    std::vector<std::string> names;
    for (const auto& [name, parameter] : model.named_parameters()) {
        names.push_back(name + " " + to_string(parameter->value.shape()));
        CHECK(parameter->grad.shape() == parameter->value.shape());
        CHECK(equal_numbers(parameter->grad, zeros<double>(parameter->value.shape())));
    }
    CHECK(names == std::vector<std::string>{"body.0.weight (4, 3)", "body.0.bias (3,)", "body.2.1.weight (3, 2)",
                                            "body.2.1.bias (2,)"});
    CHECK(model.parameters().size() == 4);
    CHECK(model.parameter_count() == 12 + 3 + 6 + 2);
    model.parameters()[1]->value(2) = 7; // the parameter itself, not a copy
    CHECK(static_cast<nn::Linear<Cpu<double>>&>(model.body[0]).bias.value(2) == 7);
}

TEMPLATE_TEST_CASE("Linear starts uniform within 1/sqrt(fan_in)", "[nn]", HANDGRAD_BACKENDS) {
    Random random(3);
    nn::Linear<TestType> linear(100, 40, random);
    double most = 0, sum = 0, squares = 0;
    for (const auto v : linear.weight.value.storage()) {
        most = std::max(most, std::abs(static_cast<double>(v)));
        sum += static_cast<double>(v);
        squares += static_cast<double>(v) * static_cast<double>(v);
    }
    for (const auto v : linear.bias.value.storage()) { CHECK(std::abs(static_cast<double>(v)) <= 0.1); }
    CHECK(most <= 0.1);
    CHECK(most > 0.099);                                      // the whole range is used
    CHECK(std::abs(sum / 4000) < 4 * 0.1 / std::sqrt(12000)); // four standard deviations of the mean
    CHECK(std::abs(squares / 4000 / (0.01 / 3) - 1) < 0.06);  // the variance of a uniform distribution
    CHECK(linear.bias.value(0) != linear.bias.value(1));

    Random again(3), other(4);
    nn::Linear<TestType> same(100, 40, again), different(100, 40, other);
    CHECK(same_bits(same.weight.value, linear.weight.value));
    CHECK(same_bits(same.bias.value, linear.bias.value));
    CHECK_FALSE(same_bits(different.weight.value, linear.weight.value));
    CHECK_THROWS_AS(nn::Linear<TestType>(0, 3, random), ShapeError);
}

TEST_CASE("float and double models of one seed start from the same weights", "[nn]") {
    Random a(9), b(9);
    nn::Linear<Cpu<float>> f(5, 4, a);
    nn::Linear<Cpu<double>> d(5, 4, b);
    CHECK(same_bits(f.weight.value, to<float>(d.weight.value)));
    CHECK(same_bits(f.bias.value, to<float>(d.bias.value)));
}

TEMPLATE_TEST_CASE("modules call the operations, and overwrite dx", "[nn]", HANDGRAD_BACKENDS) {
    using B = TestType;
    using T = typename B::Scalar;
    Random random(2);
    nn::Linear<B> linear(5, 4, random);
    nn::ReLU<B> relu;
    nn::Sigmoid<B> sigmoid;
    nn::Tanh<B> tanh;
    for (const std::size_t n : {3, 7, 1, 3}) { // the batch may change from call to call
        const auto x = normal_numbers<T>({n, 5}, n), dy = normal_numbers<T>({n, 4}, n + 1),
                   dx = normal_numbers<T>({n, 5}, n + 2);
        linear.zero_grad();
        CHECK(same_bits(linear(x), B::linear_forward(x, linear.weight.value, linear.bias.value)));
        const LinearGradients<Tensor<T>> g = B::linear_backward(x, linear.weight.value, dy);
        CHECK(same_bits(linear.backward(dy), g.dx));
        CHECK(equal_numbers(linear.weight.grad, g.dw));
        CHECK(equal_numbers(linear.bias.grad, g.db));
        const Tensor<T> s = B::sigmoid_forward(x), t = B::tanh_forward(x);
        for (int call = 0; call < 2; ++call) {
            CHECK(same_bits(relu(x), B::relu_forward(x)));
            CHECK(same_bits(relu.backward(dx), B::relu_backward(x, dx)));
            CHECK(same_bits(sigmoid(x), s));
            CHECK(same_bits(sigmoid.backward(dx), B::sigmoid_backward(s, dx)));
            CHECK(same_bits(tanh(x), t));
            CHECK(same_bits(tanh.backward(dx), B::tanh_backward(t, dx)));
        }
    }
    nn::Flatten<B> flatten;
    const auto images = normal_numbers<T>({2, 1, 3, 4}, 1);
    const Tensor<T> rows = flatten(images);
    CHECK(rows.shape() == Shape{2, 12});
    CHECK(same_bits(flatten.backward(rows), images));

    nn::CrossEntropyLoss<B> criterion;
    const auto z = normal_numbers<T>({4, 3}, 1);
    const Labels y = labels({0, 2, 1, 1});
    Tensor<T> p;
    const T loss = B::cross_entropy_forward(z, y, p);
    CHECK(criterion.forward(z, y) == loss);
    CHECK(criterion.item() == loss);
    CHECK(same_bits(criterion.probabilities(), p));
    CHECK(same_bits(criterion.backward(), B::cross_entropy_backward(p, y)));
}

TEMPLATE_TEST_CASE("gradients add up until zero_grad, the input's is optional", "[nn]", HANDGRAD_BACKENDS) {
    using B = TestType;
    using T = typename B::Scalar;
    nn::Sequential<B> net, lean;
    fill<B, nn::ReLU>(net);
    fill<B, nn::ReLU>(lean);
    const auto x = normal_numbers<T>({7, 4}, 1), dy = normal_numbers<T>({7, 3}, 2);
    const auto gradients = [](nn::Sequential<B>& model) {
        std::vector<Tensor<T>> all;
        for (const auto* parameter : model.parameters()) { all.push_back(parameter->grad); }
        return all;
    };
    net.zero_grad();
    net(x);
    const Tensor<T> dx = net.backward(dy);
    const auto once = gradients(net);
    net(x);
    CHECK(same_bits(net.backward(dy), dx));
    const auto twice = gradients(net);
    lean(x);
    lean.backward(dy, InputGradient::not_needed);
    const auto without_input = gradients(lean);
    for (std::size_t i = 0; i < once.size(); ++i) {
        const Tensor<T> doubled = T(2) * once[i];
        CHECK_FALSE(equal_numbers(once[i], zeros<T>(once[i].shape())));
        CHECK(equal_numbers(twice[i], doubled));
        CHECK(same_bits(without_input[i], once[i]));
    }
    net.zero_grad();
    for (const auto& g : gradients(net)) { CHECK(equal_numbers(g, zeros<T>(g.shape()))); }
}

TEMPLATE_TEST_CASE("backward before forward is an error", "[nn]", HANDGRAD_BACKENDS) {
    using B = TestType;
    using T = typename B::Scalar;
    Random random(1);
    const auto dy = full<T>({2, 3}, T(1));
    nn::Linear<B> linear(3, 3, random);
    CHECK(message_of<std::logic_error>([&] { linear.backward(dy); }) == "Linear: call forward before each backward");
    CHECK(equal_numbers(linear.weight.grad, zeros<T>({3, 3})));
    CHECK(equal_numbers(linear.bias.grad, zeros<T>({3})));
    nn::ReLU<B> relu;
    CHECK(message_of<std::logic_error>([&] { relu.backward(dy); }) == "ReLU: call forward before each backward");
    nn::CrossEntropyLoss<B> criterion;
    CHECK(message_of<std::logic_error>([&] { criterion.backward(); }) ==
          "CrossEntropyLoss: call forward before each backward");
    nn::Sigmoid<B> sigmoid;
    nn::Tanh<B> tanh;
    nn::Flatten<B> flatten;
    CHECK_THROWS_AS(sigmoid.backward(dy), std::logic_error);
    CHECK_THROWS_AS(tanh.backward(dy), std::logic_error);
    CHECK_THROWS_AS(flatten.backward(dy), std::logic_error);
    nn::Sequential<B> net;
    fill<B, nn::Tanh>(net);
    CHECK_THROWS_AS(net.backward(dy), std::logic_error);
}

TEST_CASE("an empty Sequential is the identity, shapes that do not fit are refused inside", "[nn]") {
    using B = Cpu<float>;
    const auto x = normal_numbers<float>({3, 4}, 1), wide = normal_numbers<float>({3, 5}, 1);
    nn::Sequential<B> nothing, net;
    CHECK(&nothing(x) == &x);
    CHECK(&nothing.backward(x) == &x);
    fill<B, nn::Sigmoid>(net);
    CHECK(message_of([&] { net(wide); }) == "linear_forward: w has shape (4, 6), expected (5, 6)");
    net(x);
    const auto too_many = normal_numbers<float>({4, 3}, 1); // rows, for a batch of 3
    CHECK(message_of([&] { net.backward(too_many); }) ==
          "Sequential: dy has shape (4, 3), expected (3, 3), the shape of the last output");
}

TEST_CASE("training and evaluation mode reach every part", "[nn]") {
    Random random(1);
    Nested<Cpu<float>> model(random);
    CHECK(model.body[2].is_training());
    model.eval();
    CHECK_FALSE(model.is_training());
    CHECK_FALSE(model.body[2].is_training());
    model.train();
    CHECK(model.body[2].is_training());
}
