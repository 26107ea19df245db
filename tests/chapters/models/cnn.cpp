// The class of chapter 09: what it prints, what it has to learn, and what it refuses.

#include "../../../chapters/09_cnn/model.hpp"
#include "catch.hpp"
#include "handgrad/backends/cpu.hpp"
#include "handgrad/backends/reference.hpp"
#include "support/tensors.hpp"

using namespace handgrad;
using namespace support;

TEST_CASE("the lecture's CNN is printed as PyTorch prints it", "[cnn]") {
    Random random(1);
    const CNN<Cpu<float>> model(CNNSizes{}, random);
    // print(model) of PyTorch 1.13 for the same class.
    CHECK(model.to_string() == "CNN(\n"
                               "  (conv1): Sequential(\n"
                               "    (0): Conv2d(1, 10, kernel_size=(5, 5), stride=(1, 1))\n"
                               "    (1): ReLU()\n"
                               "    (2): MaxPool2d(kernel_size=2, stride=2, padding=0, dilation=1, ceil_mode=False)\n"
                               "  )\n"
                               "  (conv2): Sequential(\n"
                               "    (0): Conv2d(10, 20, kernel_size=(5, 5), stride=(1, 1))\n"
                               "    (1): ReLU()\n"
                               "    (2): MaxPool2d(kernel_size=2, stride=2, padding=0, dilation=1, ceil_mode=False)\n"
                               "  )\n"
                               "  (fc): Linear(in_features=320, out_features=10, bias=True)\n"
                               "  (act): ReLU()\n"
                               ")");
    CHECK(model.parameter_count() == 8490);
    const auto layers = model.layers({7, 1, 28, 28});
    REQUIRE(layers.size() == 8);
    CHECK(layers[0].name == "conv1.0");
    CHECK(layers[5].output == Shape{7, 20, 4, 4});
    CHECK(layers[6].output == Shape{7, 320});
    CHECK(layers[7].output == Shape{7, 10});
    CHECK(model.output_shape({7, 1, 28, 28}) == Shape{7, 10});
}

TEMPLATE_TEST_CASE("images that do not fit the CNN are refused in one line", "[cnn]", Cpu<float>, Reference<double>) {
    using Tensor = typename TestType::Tensor;
    using T = typename TestType::Scalar;
    Random random(1);
    CNN<TestType> model(CNNSizes{}, random);
    const Tensor fits = zeros<T>({2, 1, 28, 28});
    CHECK(model(fits).shape() == Shape{2, 10});
    for (const Shape& shape : {Shape{2, 1, 32, 32}, Shape{2, 3, 28, 28}, Shape{2, 28, 28}, Shape{2, 784}, Shape{}}) {
        const Tensor images = zeros<T>(shape);
        const std::size_t n = shape.empty() ? 1 : shape[0];
        CHECK(message_of<ShapeError>([&] { model(images); }) == "CNN: a batch of images has shape " + to_string(shape) +
                                                                    ", expected (" + std::to_string(n) +
                                                                    ", 1, 28, 28)");
    }
    CNNSizes small;
    small.height = 12; // 12 -> 8 -> 4, which is no room for another filter of 5 rows
    const std::string message = message_of<ShapeError>([&] { CNN<TestType>(small, random); });
    CHECK(message.find("kernel") != std::string::npos);
    CHECK(message.find('\n') == std::string::npos);
}
