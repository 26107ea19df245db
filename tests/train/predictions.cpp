// What a model says about each example, and the tables made of it.

#include "handgrad/train/predictions.hpp"
#include "catch.hpp"
#include "handgrad/backends/device.hpp"
#include "handgrad/backends/reference.hpp"
#include "support/tensors.hpp"
#include "support/two_layers.hpp"

using namespace handgrad;
using namespace support;
using train::Prediction;

TEMPLATE_TEST_CASE("a score that is NaN is the largest, in predictions too", "[train]", Cpu<float>, Cpu<double>,
                   Reference<float>, Reference<double>, Device<float>, Device<double>) {
    using T = typename TestType::Scalar;
    data::ImageDataset images;
    images.class_names = {"a", "b", "c"};
    images.height = images.width = 1;
    images.pixels = {255};
    images.labels = {1};
    Random random(1);
    nn::Sequential<TestType> model;
    model.template add<nn::Flatten<TestType>>();
    auto& linear = model.template add<nn::Linear<TestType>>(1, 3, random);
    const double nan = std::numeric_limits<double>::quiet_NaN();
    linear.bias.value = TestType::from_host(tensor<T>({3}, {7, nan, nan}));
    data::DataLoader<TestType> loader(images);
    const auto predictions = train::predict(loader, model);
    REQUIRE(predictions.size() == 1);
    CHECK(predictions[0].chosen == 1);
    CHECK(std::isnan(predictions[0].probability));
    CHECK(train::confusion_matrix(predictions, 3)(1, 1) == 1);
}

TEST_CASE("mistakes without a probability are the worst, in their order", "[train]") {
    const double nan = std::numeric_limits<double>::quiet_NaN();
    const std::vector<Prediction> predictions{{0, 1, 0.5}, {0, 1, nan}, {2, 1, 0.9}, {1, 2, nan}, {1, 0, 0.7}};
    CHECK(train::worst_mistakes(predictions, 20) == std::vector<std::size_t>{1, 3, 2, 4, 0});
}

TEMPLATE_TEST_CASE("every example gets its prediction, in order", "[train]", Cpu<float>, Cpu<double>) {
    using T = typename TestType::Scalar;
    // Images of 1 x 3 pixels, and a model whose scores are the pixels themselves, from 0 to 1.
    data::ImageDataset images;
    images.class_names = {"a", "b", "c"};
    images.height = 1;
    images.width = 3;
    images.pixels = {255, 0, 0, 0, 0, 255, 51, 51, 51, 0, 255, 255};
    images.labels = {0, 1, 2, 1};
    Random random(1);
    nn::Sequential<TestType> model;
    model.template add<nn::Flatten<TestType>>();
    auto& linear = model.template add<nn::Linear<TestType>>(3, 3, random);
    linear.weight.value.fill(T(0));
    linear.bias.value.fill(T(0));
    for (std::size_t i = 0; i < 3; ++i) { linear.weight.value(i, i) = T(1); }
    data::DataLoader<TestType> loader(images, data::LoaderOptions{3, false});

    const auto predictions = train::predict(loader, model);
    CHECK_FALSE(model.is_training());
    REQUIRE(predictions.size() == 4);
    const std::vector<std::int64_t> chosen{0, 2, 0, 1}; // the first one of equals
    const double e = std::exp(1.0);
    const std::vector<double> probabilities{e / (e + 2), e / (e + 2), 1.0 / 3, e / (2 * e + 1)};
    for (std::size_t n = 0; n < 4; ++n) {
        CHECK(predictions[n].label == images.labels[n]);
        CHECK(predictions[n].chosen == chosen[n]);
        CHECK(std::abs(predictions[n].probability - probabilities[n]) < (std::is_same_v<T, float> ? 1e-6 : 1e-15));
    }
    CHECK(train::predict(loader, model).size() == 4); // and again

    const auto counts = train::confusion_matrix(predictions, 3);
    const std::vector<std::int64_t> expected{1, 0, 0, 0, 1, 1, 1, 0, 0};
    CHECK(std::equal(counts.begin(), counts.end(), expected.begin(), expected.end()));
    CHECK(train::worst_mistakes(predictions, 20) == std::vector<std::size_t>{1, 2});
}

TEST_CASE("the worst mistakes are the ones that the model was surest of", "[train]") {
    const std::vector<Prediction> predictions{{0, 1, 0.5}, {0, 0, 1.0}, {2, 1, 0.9}, {1, 2, 0.5}, {1, 0, 0.7}};
    CHECK(train::worst_mistakes(predictions, 20) == std::vector<std::size_t>{2, 4, 0, 3});
    CHECK(train::worst_mistakes(predictions, 2) == std::vector<std::size_t>{2, 4});
    CHECK(train::worst_mistakes({}, 2).empty());
}

TEST_CASE("a class that the confusion matrix has no place for is refused", "[train]") {
    CHECK(message_of<ShapeError>([] {
              train::confusion_matrix({{0, 3, 1.0}}, 3);
          }) == "confusion_matrix: class 0 predicted as 3, expected 0 to 2");
    CHECK_THROWS_AS(train::confusion_matrix({{-1, 0, 1.0}}, 3), ShapeError);
}
