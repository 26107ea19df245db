// Chapter 09's CNN with PyTorch's initial weights, on the images that PyTorch was given: 100 losses, number by number
// (fixtures/make_pytorch_fixtures.py).

#include <cmath>
#include <vector>

#include "../../../chapters/09_cnn/model.hpp"
#include "catch.hpp"
#include "fixtures/pytorch.hpp"
#include "handgrad/backends/cpu.hpp"
#include "handgrad/data/data_loader.hpp"
#include "handgrad/optim/sgd.hpp"
#include "handgrad/train/checkpoint.hpp"
#include "support/options.hpp"
#include "support/tensors.hpp"

using namespace handgrad;
using support::sgd;

namespace {

/// PyTorch's losses on this curve, computed in this type.
Tensor<double> losses_of(const std::string& curve, const std::string& type) {
    for (const pytorch::Case& c : pytorch::cases("mnist_cnn")) {
        if (c.options.at("curve") == curve && c.options.value("type", "") == type) { return c.get<double>("losses"); }
    }
    throw std::runtime_error("no curve " + curve + " in " + type);
}

/// The largest relative difference of our losses from the curve's.
template <class T> double largest_difference(const std::string& curve, const SgdOptions& options) {
    using B = Cpu<T>;
    static const data::ImageDataset mnist = data::load_mnist(data::Split::train, HANDGRAD_DATA_DIR);
    const Tensor<double> expected = losses_of(curve, sizeof(T) == 4 ? "float" : "double");
    const auto order = pytorch::cases("mnist_cnn").at(0).get<std::uint32_t>("order");
    constexpr std::size_t batch = 64;
    REQUIRE(expected.size() == 100);
    REQUIRE(order.size() == 100 * batch);

    Random random(0);
    CNN<B> model(CNNSizes{}, random);
    train::load_weights(std::string(HANDGRAD_FIXTURES) + "/cnn_weights.safetensors", model);
    nn::CrossEntropyLoss<B> criterion;
    optim::SGD<B> optimizer(model.parameters(), options);
    Tensor<T> images(Shape{batch, 1, 28, 28});
    Labels labels(Shape{batch});
    double largest = 0;
    for (std::size_t step = 0; step < expected.size(); ++step) {
        data::gather(mnist, {order.data() + step * batch, batch}, {data::ToTensor{}}, images, labels);
        optimizer.zero_grad();
        const double loss = criterion.forward(model.forward(images), labels);
        model.backward(criterion.backward(), nn::InputGradient::not_needed);
        optimizer.step();
        const double difference = std::abs(loss - expected(step)) / expected(step);
        largest = std::max(largest, std::isnan(difference) ? INFINITY : difference);
    }
    UNSCOPED_INFO(curve << ": largest relative difference " << largest);
    return largest;
}

} // namespace

TEST_CASE("the CNN's first 100 losses are PyTorch's", "[nn][conv2d][torch][train]") {
    CHECK(largest_difference<float>("lecture", sgd(0.001, 0)) <= 1e-5);
    CHECK(largest_difference<double>("lecture", sgd(0.001, 0)) <= 1e-10);
    CHECK(largest_difference<float>("momentum", sgd(0.01, 0.9)) <= 1e-5);
    CHECK(largest_difference<double>("momentum", sgd(0.01, 0.9)) <= 1e-10);
    CHECK(largest_difference<double>("steep", sgd(0.05, 0.9)) <= 1e-10);
}
