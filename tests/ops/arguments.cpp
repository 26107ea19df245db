// What layers and the rest of the library say of a number that makes no sense: negative ones as they were written, layers of nothing by their
// names. And of a backward without a forward, for every module.

#include <memory>

#include "catch.hpp"
#include "handgrad/backends/cpu.hpp"
#include "handgrad/data/spiral.hpp"
#include "handgrad/nn/nn.hpp"
#include "handgrad/optim/lr_scheduler.hpp"
#include "handgrad/plot/figure.hpp"
#include "handgrad/plot/image_grid.hpp"
#include "handgrad/plot/terminal.hpp"
#include "handgrad/train/predictions.hpp"
#include "support/options.hpp"
#include "support/tensors.hpp"
#include "support/two_layers.hpp"

using namespace handgrad;
using namespace support;

namespace {

/// The std::size_t that a negative number becomes where one is expected.
constexpr std::size_t negative(int number) { return static_cast<std::size_t>(number); }

/// A module and an input that it takes.
template <class B> struct ModuleAndInput {
    std::unique_ptr<nn::Module<B>> module;
    Tensor<typename B::Scalar> x;
};

/// One of every kind of module.
template <class B> std::vector<ModuleAndInput<B>> every_module(Random& random) {
    using T = typename B::Scalar;
    const auto rows = normal_numbers<T>({2, 3}, 1), images = normal_numbers<T>({2, 1, 6, 6}, 2);
    std::vector<ModuleAndInput<B>> all;
    const auto add = [&](std::unique_ptr<nn::Module<B>> module, const Tensor<T>& x) {
        all.push_back({std::move(module), x});
    };
    add(std::make_unique<nn::Linear<B>>(3, 4, random), rows);
    add(std::make_unique<nn::ReLU<B>>(), rows);
    add(std::make_unique<nn::Sigmoid<B>>(), rows);
    add(std::make_unique<nn::Tanh<B>>(), rows);
    add(std::make_unique<nn::Flatten<B>>(), images);
    add(std::make_unique<nn::Conv2d<B>>(1, 2, 3, random), images);
    add(std::make_unique<nn::MaxPool2d<B>>(2), images);
    add(std::make_unique<nn::AvgPool2d<B>>(2), images);
    add(std::make_unique<nn::Sequential<B>>(), rows);
    add(std::make_unique<nn::ConvReLUMaxPool2d<B>>(1, 2, 3, random), images);
    auto in_parts = std::make_unique<nn::ConvReLUMaxPool2d<B>>(1, 2, 3, random);
    in_parts->fuse(false);
    add(std::move(in_parts), images);
    return all;
}

} // namespace

TEST_CASE("layers show a negative size as it was written, and name a size of 0", "[nn][shapes]") {
    using B = Cpu<float>;
    Random random(1);
    const auto linear = [&](std::size_t in, std::size_t out) {
        return message_of([&] { nn::Linear<B>(in, out, random); });
    };
    CHECK(linear(0, 2) == "Linear: in_features is 0, expected at least 1");
    CHECK(linear(2, 0) == "Linear: out_features is 0, expected at least 1");
    CHECK(linear(negative(-1), 2) == "Linear: in_features is -1, expected at least 1");
    CHECK(linear(2, negative(-3)) == "Linear: out_features is -3, expected at least 1");

    const auto conv2d = [&](std::size_t in, std::size_t out, Size2d kernel, const Conv2dOptions& options = {}) {
        return message_of([&] { nn::Conv2d<B>(in, out, kernel, random, options); });
    };
    CHECK(conv2d(0, 1, 3) == "Conv2d: in_channels is 0, expected at least 1");
    CHECK(conv2d(1, 0, 3) == "Conv2d: out_channels is 0, expected at least 1");
    CHECK(conv2d(1, 1, 0) == "Conv2d: kernel_size is 0, expected at least 1");
    CHECK(conv2d(negative(-1), 1, 3) == "Conv2d: in_channels is -1, expected at least 1");
    CHECK(conv2d(1, negative(-1), 3) == "Conv2d: out_channels is -1, expected at least 1");
    CHECK(conv2d(1, 1, {3, negative(-3)}) == "Conv2d: kernel_size is (3, -3), expected at least 1");
    CHECK(conv2d(1, 1, 3, conv(negative(-1))) == "Conv2d: stride is -1, expected at least 1");
    CHECK(conv2d(1, 1, 3, conv(1, negative(-1))) == "Conv2d: padding is -1, expected at least 0");
    CHECK(conv2d(1, 1, 3, conv(1, 0, negative(-1))) == "Conv2d: dilation is -1, expected at least 1");
    CHECK(conv2d(1, 1, 3, conv(1, 0, 1, negative(-1))) ==
          "Conv2d: groups is -1, expected a divisor of 1 input and 1 output channels");
    CHECK(message_of([&] { nn::ConvReLUMaxPool2d<B>(negative(-1), 1, 3, random); }) ==
          "Conv2d: in_channels is -1, expected at least 1");

    CHECK(message_of([] { nn::MaxPool2d<B>(Size2d(0)); }) == "MaxPool2d: kernel_size is 0, expected at least 1");
    CHECK(message_of([] { nn::MaxPool2d<B>(Size2d(negative(-2))); }) ==
          "MaxPool2d: kernel_size is -2, expected at least 1");
    CHECK(message_of([] { nn::MaxPool2d<B>(MaxPool2dOptions(2, 1, negative(-1))); }) ==
          "MaxPool2d: padding is -1, expected at least 0");
    CHECK(message_of([] { nn::MaxPool2d<B>(MaxPool2dOptions(2, 1, 2)); }) ==
          "MaxPool2d: padding is (2, 2), expected at most half of the kernel's size (2, 2)");
    CHECK(message_of([] { nn::AvgPool2d<B>(Size2d(negative(-2), 2)); }) ==
          "AvgPool2d: kernel_size is (-2, 2), expected at least 1");
    CHECK(message_of([] { nn::AvgPool2d<B>(AvgPool2dOptions(2, negative(-1))); }) ==
          "AvgPool2d: stride is -1, expected at least 1");
}

TEST_CASE("whatever else counts shows a negative number as it was written", "[shapes]") {
    using B = Cpu<float>;
    const data::ImageDataset images = patterns(20, 4, 3, 1);
    const auto loader = [&](std::size_t batch_size, std::size_t limit) {
        return message_of([&] {
            data::LoaderOptions options = batches_of(batch_size);
            options.limit = limit;
            data::DataLoader<B>(images, options);
        });
    };
    CHECK(loader(negative(-1), 0) == "DataLoader: batch_size is -1, expected at least 1");
    CHECK(loader(0, 0) == "DataLoader: batch_size is 0, expected at least 1");
    CHECK(loader(5, negative(-1)) == "DataLoader: limit is -1, expected at least 0");
    TwoLayers<B> run(images, 5, sgd(0.1), batches_of(5));
    CHECK(message_of<DataError>([&] {
              run.loader.restore({0, negative(-1)});
          }) == "DataLoader: cannot resume at batch -1, expected 0 to 3");
    CHECK(message_of([&] { run.epoch(0, negative(-1)); }) ==
          "train_one_epoch: log_interval is -1, expected at least 1");
    CHECK(message_of([&] { optim::StepLR(run.optimizer, negative(-1)); }) ==
          "StepLR: step_size is -1, expected at least 1");
    CHECK(message_of<std::out_of_range>([&] { run.model[negative(-1)]; }) ==
          "Sequential: module -1, expected a number from 0, less than 4");
    CHECK(message_of([] { train::confusion_matrix({}, negative(-1)); }) ==
          "confusion_matrix: classes is -1, expected at least 1");
    NumpyRandom random(1);
    CHECK(message_of([&] { data::make_spiral(random, negative(-1)); }) ==
          "make_spiral: points_per_class is -1, expected at least 1");
    CHECK(message_of([&] { data::make_spiral(random, 1, negative(-1)); }) ==
          "make_spiral: classes is -1, expected at least 1");
    CHECK(message_of([] { data::linspace(0, 1, negative(-1)); }) == "linspace: n is -1, expected at least 0");
    const auto picture = zeros<float>({1, 2, 2});
    CHECK(message_of([&] { plot::image_grid(picture, negative(-1), 1); }) ==
          "image_grid: a grid of -1 x 1, expected 1 to 1000 each");
    CHECK(message_of([&] { plot::terminal_grid(picture, 1, 1, {}, negative(-1)); }) ==
          "terminal_grid: width is -1, expected at least 0");
    CHECK(message_of([&] { plot::terminal_lines({1.0}, {1.0}, negative(-1), 16); }) ==
          "terminal_lines: -1 x 16 characters, expected 30 x 4 or more");
    plot::Figure figure;
    CHECK(message_of([&] { figure.heat_map({1.0}, negative(-1), negative(-1)); }) ==
          "Figure::heat_map: 1 values for -1 rows and -1 columns");
    CHECK(to_string(Size2d(negative(-1), 2)) == "(-1, 2)");
}

TEMPLATE_TEST_CASE("every module says that backward was called before forward", "[nn]", HANDGRAD_TWO_BACKENDS) {
    using B = TestType;
    using T = typename B::Scalar;
    Random random(1);
    for (auto& entry : every_module<B>(random)) {
        auto& [pointer, x] = entry;
        auto* const module = &*pointer; // clang 14 captures no structured binding
        INFO(module->to_string());
        const std::string refusal = module->name() + ": call forward before each backward";
        const auto dy = full<T>(module->output_shape(x.shape()), T(1));
        for (const auto input : {nn::InputGradient::needed, nn::InputGradient::not_needed}) {
            CHECK(message_of<std::logic_error>([&] { module->backward(dy, input); }) == refusal);
        }
        // Nor is a forward enough that was refused.
        const auto scalar = zeros<T>({});
        if (message_of([&] { module->forward(scalar); }) != "no exception") {
            CHECK(message_of<std::logic_error>([&] { module->backward(dy); }) == refusal);
        }
        for (const auto* p : module->parameters()) { CHECK(equal_numbers(p->grad, zeros<T>(p->grad.shape()))); }
        module->forward(x);
        CHECK(module->backward(dy).shape() == x.shape());
    }
    nn::CrossEntropyLoss<B> criterion;
    const auto scores = zeros<T>({1, 3});
    const Labels wrong = labels({3});
    CHECK(message_of<std::logic_error>([&] { criterion.backward(); }) ==
          "CrossEntropyLoss: call forward before each backward");
    CHECK_THROWS_AS(criterion.forward(scores, wrong), ShapeError);
    CHECK(message_of<std::logic_error>([&] { criterion.backward(); }) ==
          "CrossEntropyLoss: call forward before each backward");
}
