// The modules for images: printing, first parameters, gradients, and the summary of a model.

#include "catch.hpp"
#include "handgrad/backends/cpu.hpp"
#include "handgrad/backends/reference.hpp"
#include "handgrad/nn/nn.hpp"
#include "support/options.hpp"
#include "support/tensors.hpp"

using namespace handgrad;
using namespace support;
using nn::InputGradient;

namespace {

/// The network of the lecture: two blocks of convolution, ReLU and pooling, and a linear layer.
template <class B> class Cnn : public nn::Module<B> {
public:
    using typename nn::Module<B>::Tensor;

    nn::Sequential<B> conv1, conv2;
    nn::Flatten<B> flatten;
    nn::Linear<B> fc;

    explicit Cnn(Random& random) : fc(320, 10, random) {
        conv1.template add<nn::Conv2d<B>>(1, 10, 5, random);
        conv1.template add<nn::ReLU<B>>();
        conv1.template add<nn::MaxPool2d<B>>(2);
        conv2.template add<nn::Conv2d<B>>(10, 20, 5, random);
        conv2.template add<nn::ReLU<B>>();
        conv2.template add<nn::MaxPool2d<B>>(2);
        this->register_module("conv1", conv1);
        this->register_module("conv2", conv2);
        this->register_module("flatten", flatten);
        this->register_module("fc", fc);
    }
    const Tensor& forward_pass(const Tensor& x) override {
        return fc.forward(flatten.forward(conv2.forward(conv1.forward(x))));
    }
    const Tensor& backward_pass(const Tensor& dy, InputGradient input) override {
        return conv1.backward(conv2.backward(flatten.backward(fc.backward(dy))), input);
    }
    std::string name() const override { return "Cnn"; }
};

/// A module with a parameter of its own beside a part.
template <class B> class Scaled : public nn::Module<B> {
public:
    using typename nn::Module<B>::Tensor;
    nn::Linear<B> inner;
    nn::Parameter<B> scale{zeros<typename B::Scalar>({1}), zeros<typename B::Scalar>({1})};
    explicit Scaled(Random& random) : inner(3, 2, random) {
        this->register_parameter("scale", scale);
        this->register_module("inner", inner);
    }
    const Tensor& forward_pass(const Tensor& x) override { return inner.forward(x); }
    const Tensor& backward_pass(const Tensor& dy, InputGradient) override { return inner.backward(dy); }
    std::string name() const override { return "Scaled"; }
};

} // namespace

TEST_CASE("the modules for images print as PyTorch prints them", "[nn]") {
    using B = Cpu<float>;
    Random random(1);
    CHECK(nn::Conv2d<B>(1, 10, 5, random).to_string() == "Conv2d(1, 10, kernel_size=(5, 5), stride=(1, 1))");
    CHECK(nn::Conv2d<B>(3, 6, {3, 5}, random, conv({2, 1}, {1, 2}, 2, 3), false).to_string() ==
          "Conv2d(3, 6, kernel_size=(3, 5), stride=(2, 1), padding=(1, 2), dilation=(2, 2), groups=3, bias=False)");
    CHECK(nn::Conv2d<B>(3, 4, {3, 1}, random, conv(1, 1)).to_string() ==
          "Conv2d(3, 4, kernel_size=(3, 1), stride=(1, 1), padding=(1, 1))");
    CHECK(nn::Conv2d<B>(3, 4, 3, random, conv(2, 0, {1, 2}), false).to_string() ==
          "Conv2d(3, 4, kernel_size=(3, 3), stride=(2, 2), dilation=(1, 2), bias=False)");
    CHECK(nn::MaxPool2d<B>(2).to_string() ==
          "MaxPool2d(kernel_size=2, stride=2, padding=0, dilation=1, ceil_mode=False)");
    CHECK(nn::MaxPool2d<B>(MaxPool2dOptions({2, 3}, {1, 2}, {1, 0}, 2, true)).to_string() ==
          "MaxPool2d(kernel_size=(2, 3), stride=(1, 2), padding=(1, 0), dilation=2, ceil_mode=True)");
    CHECK(nn::AvgPool2d<B>(3).to_string() == "AvgPool2d(kernel_size=3, stride=3, padding=0)");
    CHECK(nn::AvgPool2d<B>(AvgPool2dOptions({3, 2}, 2, 1, true, false)).to_string() ==
          "AvgPool2d(kernel_size=(3, 2), stride=2, padding=1)");
}

TEST_CASE("Conv2d refuses numbers that make no convolution", "[nn]") {
    Random random(1);
    const auto make = [&](std::size_t in, std::size_t out, Size2d kernel, std::size_t groups) {
        return message_of([&] { nn::Conv2d<Cpu<float>>(in, out, kernel, random, conv(1, 0, 1, groups)); });
    };
    CHECK(make(3, 4, 3, 2) == "Conv2d: groups is 2, expected a divisor of 3 input and 4 output channels");
    CHECK(make(4, 3, 3, 2) == "Conv2d: groups is 2, expected a divisor of 4 input and 3 output channels");
    CHECK(make(4, 4, 3, 0) == "Conv2d: groups is 0, expected a divisor of 4 input and 4 output channels");
    CHECK(make(0, 4, 3, 1) == "Conv2d: in_channels is 0, expected at least 1");
    CHECK(make(4, 0, 3, 1) == "Conv2d: out_channels is 0, expected at least 1");
    CHECK(make(4, 4, {3, 0}, 1) == "Conv2d: kernel_size is (3, 0), expected at least 1");
}

TEMPLATE_TEST_CASE("Conv2d starts uniform within one over the root of its fan-in", "[nn]", HANDGRAD_BACKENDS) {
    using T = typename TestType::Scalar;
    Random random(1);
    const nn::Conv2d<TestType> layer(12, 30, {3, 5}, random, conv(1, 0, 1, 3));
    CHECK(layer.weight.value.shape() == Shape{30, 4, 3, 5});
    CHECK(layer.bias.value.shape() == Shape{30});
    const double bound = 1 / std::sqrt(60.0);
    for (const Tensor<T>* t : {&layer.weight.value, &layer.bias.value}) {
        double largest = 0, sum = 0;
        for (const T v : t->storage()) {
            largest = std::max(largest, std::abs(static_cast<double>(v)));
            sum += static_cast<double>(v);
        }
        CHECK(largest <= bound * (1 + 1e-6));
        CHECK(largest > 0.9 * bound);
        CHECK(std::abs(sum / static_cast<double>(t->size())) < 0.3 * bound);
    }
    CHECK(equal_numbers(layer.weight.grad, zeros<T>({30, 4, 3, 5})));
    CHECK(equal_numbers(layer.bias.grad, zeros<T>({30})));
    const auto names = layer.named_parameters();
    REQUIRE(names.size() == 2);
    CHECK(names[0].first == "weight");
    CHECK(names[1].first == "bias");
    const nn::Conv2d<TestType> without(12, 30, {3, 5}, random, {}, false);
    CHECK(without.named_parameters().size() == 1);
    CHECK(without.parameter_count() == 30 * 12 * 15);
}

TEMPLATE_TEST_CASE("the modules for images compute what the operations do", "[nn]", HANDGRAD_BACKENDS) {
    using B = TestType;
    using T = typename B::Scalar;
    Random random(1);
    const auto x = whole_numbers<T>({3, 4, 7, 6}, 1);

    for (const bool with_bias : {true, false}) {
        const Conv2dOptions options = conv({2, 1}, {1, 0}, {1, 2}, 2);
        nn::Conv2d<B> layer(4, 6, {3, 2}, random, options, with_bias);
        layer.weight.value = whole_numbers<T>({6, 2, 3, 2}, 2);
        if (with_bias) { layer.bias.value = whole_numbers<T>({6}, 3); }
        const Tensor<T> y = B::conv2d_forward(x, layer.weight.value, layer.bias.value, options);
        CHECK(equal_numbers(layer.forward(x), y));
        const auto dy = whole_numbers<T>(y.shape(), 4);
        const Conv2dGradients<Tensor<T>> g = B::conv2d_backward(x, layer.weight.value, dy, options);
        CHECK(equal_numbers(layer.backward(dy), g.dx));
        CHECK(equal_numbers(layer.weight.grad, g.dw));
        if (with_bias) { CHECK(equal_numbers(layer.bias.grad, g.db)); }
        layer.forward(x);
        layer.backward(dy); // parameters' gradients add up
        const Tensor<T> twice = T(2) * g.dw;
        CHECK(equal_numbers(layer.weight.grad, twice));
    }

    const MaxPool2dOptions max(3, 2, 1);
    nn::MaxPool2d<B> max_pool(max);
    const auto pooled = B::max_pool2d_forward(x, max);
    const auto dy = whole_numbers<T>(pooled.y.shape(), 4);
    CHECK(equal_numbers(max_pool.forward(x), pooled.y));
    CHECK(equal_numbers(max_pool.backward(dy), B::max_pool2d_backward(dy, pooled.indices, x.shape())));

    const AvgPool2dOptions avg(3, 2, 1);
    nn::AvgPool2d<B> avg_pool(avg);
    CHECK(equal_numbers(avg_pool.forward(x), B::avg_pool2d_forward(x, avg)));
    CHECK(equal_numbers(avg_pool.backward(dy), B::avg_pool2d_backward(dy, x.shape(), avg)));
}

TEST_CASE("the modules for images skip the input's gradient where nobody needs it", "[nn]") {
    using B = Cpu<double>;
    Random random(1);
    const auto x = whole_numbers<double>({2, 1, 6, 6}, 1);
    nn::Conv2d<B> layer(1, 2, 3, random);
    const auto dy = whole_numbers<double>(layer.forward(x).shape(), 2);
    CHECK(layer.backward(dy, InputGradient::not_needed).size() <= 1);
    CHECK(equal_numbers(layer.weight.grad, B::conv2d_backward(x, layer.weight.value, dy).dw));
    nn::MaxPool2d<B> max_pool(2);
    nn::AvgPool2d<B> avg_pool(2);
    const auto dp = whole_numbers<double>(max_pool.forward(x).shape(), 3);
    avg_pool.forward(x);
    CHECK(max_pool.backward(dp, InputGradient::not_needed).size() <= 1);
    CHECK(avg_pool.backward(dp, InputGradient::not_needed).size() <= 1);
    CHECK(message_of<std::logic_error>([&] { nn::Conv2d<B>(1, 2, 3, random).backward(dy); }) ==
          "Conv2d: call forward before each backward");
}

TEST_CASE("the summary of the lecture's network", "[nn]") {
    Random random(1);
    const Cnn<Cpu<float>> model(random);
    CHECK(model.parameter_count() == 8490);
    CHECK(nn::summary(model, {64, 1, 28, 28}) == "Layer    Module     Output shape      Parameters\n"
                                                 "conv1.0  Conv2d     (64, 10, 24, 24)         260\n"
                                                 "conv1.1  ReLU       (64, 10, 24, 24)           0\n"
                                                 "conv1.2  MaxPool2d  (64, 10, 12, 12)           0\n"
                                                 "conv2.0  Conv2d     (64, 20, 8, 8)         5,020\n"
                                                 "conv2.1  ReLU       (64, 20, 8, 8)             0\n"
                                                 "conv2.2  MaxPool2d  (64, 20, 4, 4)             0\n"
                                                 "flatten  Flatten    (64, 320)                  0\n"
                                                 "fc       Linear     (64, 10)               3,210\n"
                                                 "Total                                      8,490\n");
    CHECK(message_of([&] {
              nn::summary(model, {64, 3, 28, 28});
          }) == "conv2d_forward: w has shape (10, 1, 5, 5), expected (10, 3, 5, 5)");
    CHECK(message_of([&] {
              nn::summary(model, {64, 1, 32, 32});
          }) == "linear_forward: w has shape (320, 10), expected (500, 10)");
}

TEST_CASE("a summary counts a module's own parameters, and thousands of thousands", "[nn]") {
    Random random(1);
    CHECK(nn::summary(Scaled<Cpu<float>>(random), {5, 3}) == "Layer  Module  Output shape  Parameters\n"
                                                             "inner  Linear  (5, 2)                 8\n"
                                                             "       Scaled  (5, 2)                 1\n"
                                                             "Total                                 9\n");
    CHECK(nn::summary(nn::Linear<Cpu<float>>(2000, 1000, random), {1, 2000}) ==
          "Layer  Module  Output shape  Parameters\n"
          "       Linear  (1, 1000)      2,001,000\n"
          "Total                         2,001,000\n");
}

TEMPLATE_TEST_CASE("every module says the shape that forward returns", "[nn]", HANDGRAD_BACKENDS) {
    using B = TestType;
    using T = typename B::Scalar;
    Random random(1);
    nn::Sequential<B> model;
    model.template add<nn::Conv2d<B>>(2, 4, Size2d(3, 2), random, conv({2, 1}, 1, {1, 2}, 2), false);
    model.template add<nn::Tanh<B>>();
    model.template add<nn::MaxPool2d<B>>(MaxPool2dOptions(2, 1, 1));
    model.template add<nn::ReLU<B>>();
    model.template add<nn::AvgPool2d<B>>(AvgPool2dOptions(2, 2, 0, true));
    model.template add<nn::Sigmoid<B>>();
    model.template add<nn::Flatten<B>>();
    const Shape shape{3, 2, 9, 8};
    model.template add<nn::Linear<B>>(model.output_shape(shape)[1], 5, random);
    const auto x = normal_numbers<T>(shape, 1);
    const std::vector<nn::LayerSummary> layers = nn::layers(model, shape);
    REQUIRE(layers.size() == model.size());
    const Tensor<T>* o = &x;
    for (std::size_t i = 0; i < model.size(); ++i) {
        INFO(layers[i].name << " " << layers[i].module);
        CHECK(model[i].output_shape(o->shape()) == layers[i].output);
        o = &model[i].forward(*o);
        CHECK(o->shape() == layers[i].output);
    }
    CHECK(model.output_shape(shape) == Shape{3, 5});
}
