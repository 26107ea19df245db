#include <algorithm>
#include <set>
#include <vector>

#include "catch.hpp"
#include "handgrad/data/validation.hpp"
#include "support/tensors.hpp"

using namespace handgrad;

namespace {

// Image n has 2 pixels with the value n, and the label n % 10.
data::ImageDataset counted_images(std::size_t n) {
    data::ImageDataset images;
    images.name = "MNIST train";
    images.class_names = {"a", "b"};
    images.height = 1;
    images.width = 2;
    for (std::size_t i = 0; i < n; ++i) {
        images.pixels.insert(images.pixels.end(), 2, static_cast<std::uint8_t>(i));
        images.labels.push_back(static_cast<std::uint8_t>(i % 10));
    }
    return images;
}

// The numbers of the images, which are whole and have their own labels.
std::vector<int> numbers_in(const data::ImageDataset& part) {
    std::vector<int> numbers;
    REQUIRE(part.pixels.size() == 2 * part.size());
    for (std::size_t i = 0; i < part.size(); ++i) {
        REQUIRE(part.image(i)[0] == part.image(i)[1]);
        REQUIRE(part.labels[i] == part.image(i)[0] % 10);
        numbers.push_back(part.image(i)[0]);
    }
    return numbers;
}

} // namespace

TEST_CASE("a validation set takes the first or last images, or a random choice, out of the training set", "[data]") {
    const data::ImageDataset images = counted_images(40);
    std::set<std::vector<int>> choices;
    const auto held_back = [&](data::Held held, std::uint64_t seed = 0) {
        const data::ValidationSplit parts = data::hold_back(images, 12, held, seed);
        CHECK(parts.train.name == "MNIST train");
        CHECK(parts.validation.name == "MNIST validation");
        CHECK(parts.validation.class_names == images.class_names);
        CHECK(parts.train.height == 1);
        CHECK(parts.validation.width == 2);
        std::vector<int> train = numbers_in(parts.train), validation = numbers_in(parts.validation), all;
        CHECK(validation.size() == 12);
        std::merge(train.begin(), train.end(), validation.begin(), validation.end(), std::back_inserter(all));
        CHECK(all == numbers_in(images)); // disjoint, complete, and both in order
        return validation;
    };
    CHECK(held_back(data::Held::first).back() == 11);
    CHECK(held_back(data::Held::last).front() == 28);
    for (const std::uint64_t seed : {1, 2, 3}) {
        const auto chosen = held_back(data::Held::random, seed);
        CHECK(chosen == held_back(data::Held::random, seed));
        CHECK(choices.insert(chosen).second);
    }
    const auto message = [&](std::size_t count) {
        return support::message_of([&] { data::hold_back(images, count); });
    };
    CHECK(message(40) == "hold_back: count is 40, expected at least 1 and less than the 40 images of the data set");
    CHECK(message(0) == "hold_back: count is 0, expected at least 1 and less than the 40 images of the data set");
}
