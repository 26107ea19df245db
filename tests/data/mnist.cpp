#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <numeric>
#include <string>

#include <unistd.h>

#include "catch.hpp"
#include "handgrad/data/mnist.hpp"
#include "handgrad/error.hpp"
#include "support/temporary_folder.hpp"

using namespace handgrad;
using Catch::Matchers::ContainsSubstring;
using data::Split;

namespace {

std::string big_endian(std::uint32_t value) {
    std::string bytes;
    for (const int shift : {24, 16, 8, 0}) { bytes += static_cast<char>(value >> shift); }
    return bytes;
}

std::string image_file(std::uint32_t n, std::uint32_t height = 28, std::uint32_t width = 28) {
    return std::string("\0\0\x08\x03", 4) + big_endian(n) + big_endian(height) + big_endian(width) +
           std::string(n * height * width, 'x');
}

std::string label_file(const std::string& labels) {
    return std::string("\0\0\x08\x01", 4) + big_endian(static_cast<std::uint32_t>(labels.size())) + labels;
}

// A folder for a test's files, while HANDGRAD_DATA says nothing.
class DataFolder : public support::TemporaryFolder {
public:
    DataFolder() {
        if (const char* value = std::getenv("HANDGRAD_DATA")) { before_ = value; }
        unsetenv("HANDGRAD_DATA");
    }
    ~DataFolder() { before_.empty() ? unsetenv("HANDGRAD_DATA") : setenv("HANDGRAD_DATA", before_.c_str(), 1); }

private:
    std::string before_;
};

} // namespace

TEST_CASE("MNIST is what it is known to be", "[data][mnist]") {
    const data::ImageDataset train = data::load_mnist(Split::train, HANDGRAD_DATA_DIR);
    REQUIRE(train.name == "MNIST train");
    REQUIRE(train.size() == 60000);
    REQUIRE((train.height == 28 && train.width == 28));
    REQUIRE(train.pixels.size() == 60000 * 784);
    REQUIRE(train.class_names.size() == 10);
    std::array<int, 10> count{};
    for (const std::uint8_t label : train.labels) { ++count.at(label); }
    REQUIRE(count == std::array<int, 10>{5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949});
    const data::PixelStatistics statistics = data::pixel_statistics(train);
    REQUIRE_THAT(statistics.mean, Catch::Matchers::WithinAbs(0.1306604762738429, 1e-12));
    REQUIRE_THAT(statistics.std, Catch::Matchers::WithinAbs(0.3081078038564622, 1e-12));
    const std::array<std::uint8_t, 8> first{5, 0, 4, 1, 9, 2, 1, 3};
    REQUIRE(std::equal(first.begin(), first.end(), train.labels.begin()));
    // The first image's ink: its sum is that of the pixels of the 5.
    REQUIRE(std::accumulate(train.image(0), train.image(1), 0) == 27525);

    const data::ImageDataset test = data::load_mnist(Split::test, std::filesystem::path(HANDGRAD_DATA_DIR) / "mnist");
    REQUIRE(test.name == "MNIST test");
    REQUIRE(test.size() == 10000);
    count = {};
    for (const std::uint8_t label : test.labels) { ++count.at(label); }
    REQUIRE(count == std::array<int, 10>{980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009});
}

TEST_CASE("data sets are found under all their names", "[data][mnist]") {
    const DataFolder folder;
    const auto [images, labels] = GENERATE(table<std::string, std::string>({
        {"t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"},
        {"t10k-images.idx3-ubyte", "t10k-labels.idx1-ubyte"},
        {"mnist/t10k-images-idx3-ubyte", "mnist/t10k-labels-idx1-ubyte"},
        {"t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte"}, // whether it is gzipped, the content tells
    }));
    folder.write(images, image_file(3));
    folder.write(labels, label_file(std::string("\0\x09\x05", 3)));
    const data::ImageDataset dataset = data::load_mnist(Split::test, folder.path());
    REQUIRE(dataset.size() == 3);
    REQUIRE(dataset.labels == std::vector<std::uint8_t>{0, 9, 5});

    setenv("HANDGRAD_DATA", folder.path().c_str(), 1);
    REQUIRE(data::load_mnist(Split::test).size() == 3); // before the source tree's 10,000
}

TEST_CASE("Fashion-MNIST has its own folder and class names", "[data][mnist]") {
    const DataFolder folder;
    folder.write("fashion-mnist/train-images-idx3-ubyte", image_file(1));
    folder.write("fashion-mnist/train-labels-idx1-ubyte", label_file("\x09"));
    const data::ImageDataset dataset = data::load_fashion_mnist(Split::train, folder.path());
    REQUIRE(dataset.name == "Fashion-MNIST train");
    REQUIRE(dataset.class_names.at(dataset.labels.at(0)) == "Ankle boot");
    REQUIRE(data::fashion_mnist_folders().back() == "/usr/share/datasets/fashion-mnist");
}

TEST_CASE("a missing data set is reported with every folder tried", "[data][mnist]") {
    const DataFolder folder;
    const std::string here = folder.path().string();
    REQUIRE_THROWS_AS(data::load_mnist(Split::train, folder.path()), DataError);
    REQUIRE_THROWS_WITH(data::load_mnist(Split::train, folder.path()),
                        ContainsSubstring("MNIST train") && ContainsSubstring("train-images-idx3-ubyte") &&
                            ContainsSubstring("tried " + here + ", " + here + "/mnist"));
    // A folder that is given is the only one: MNIST of the source tree must not take its place.
    REQUIRE(data::mnist_folders(folder.path()).size() == 2);

    REQUIRE(data::mnist_folders() ==
            std::vector<std::filesystem::path>{std::filesystem::path(HANDGRAD_DATA_DIR) / "mnist"});

    // So is the folder that HANDGRAD_DATA names, for either data set and for either part of it.
    setenv("HANDGRAD_DATA", here.c_str(), 1);
    REQUIRE(data::mnist_folders() == std::vector<std::filesystem::path>{folder.path(), folder / "mnist"});
    REQUIRE(data::fashion_mnist_folders() ==
            std::vector<std::filesystem::path>{folder.path(), folder / "fashion-mnist"});
    REQUIRE(data::mnist_folders("x").front() == "x");
    REQUIRE_THROWS_WITH(data::load_mnist(Split::train),
                        ContainsSubstring("tried " + here + ", " + here + "/mnist, given by HANDGRAD_DATA"));
    folder.write("mnist/train-images-idx3-ubyte", image_file(1));
    folder.write("mnist/train-labels-idx1-ubyte", label_file("\x01"));
    REQUIRE(data::load_mnist(Split::train).size() == 1);
    REQUIRE_THROWS_WITH(data::load_mnist(Split::test), ContainsSubstring("found no t10k-images-idx3-ubyte[.gz]"));
    REQUIRE_THROWS_WITH(data::load_fashion_mnist(Split::train), ContainsSubstring("given by HANDGRAD_DATA"));

    folder.write("train-images-idx3-ubyte", image_file(2));
    REQUIRE_THROWS_WITH(data::load_mnist(Split::train, folder.path()),
                        ContainsSubstring("no train-labels-idx1-ubyte[.gz] beside"));

    const std::string file = (folder / "train-images-idx3-ubyte").string();
    setenv("HANDGRAD_DATA", file.c_str(), 1);
    REQUIRE_THROWS_WITH(data::load_mnist(Split::train),
                        ContainsSubstring("HANDGRAD_DATA: " + file + " is not a folder"));
}

TEST_CASE("data sets that contradict themselves are refused", "[data][mnist]") {
    const DataFolder folder;
    const auto error_of = [&](const std::string& images, const std::string& labels) {
        folder.write("train-images-idx3-ubyte", images);
        folder.write("train-labels-idx1-ubyte", labels);
        try {
            data::load_mnist(Split::train, folder.path());
        } catch (const DataError& error) { return std::string(error.what()); }
        return std::string("no error");
    };
    const std::string two_labels = label_file("\x01\x02");
    CHECK(error_of(image_file(2), two_labels) == "no error");
    CHECK_THAT(error_of(image_file(3), two_labels),
               ContainsSubstring("3 images, but") && ContainsSubstring("has 2 labels"));
    CHECK_THAT(error_of(image_file(2), label_file("\x01\x0a")),
               ContainsSubstring("label 10 of image 1 is out of range"));
    CHECK_THAT(error_of(image_file(2, 14, 56), two_labels), ContainsSubstring("14 x 56 pixels, expected 28 x 28"));
    CHECK_THAT(error_of(image_file(0), label_file("")), ContainsSubstring("holds no images"));
    CHECK_THAT(error_of(two_labels, two_labels), ContainsSubstring("has 1 dimensions, expected 3"));
    CHECK_THAT(error_of(image_file(2).substr(0, 1000), two_labels), ContainsSubstring("1000 bytes, expected 1584"));
    // The extents are wrong, whatever follows: no memory is needed to find that out.
    CHECK_THAT(error_of(image_file(2, 0, 0).replace(8, 8, big_endian(1 << 14) + big_endian(1 << 14)), two_labels),
               ContainsSubstring("16384 x 16384 pixels, expected 28 x 28"));
}

TEST_CASE("pixel_statistics of nothing is an error", "[data][mnist]") {
    REQUIRE_THROWS_AS(data::pixel_statistics(data::ImageDataset{}), ShapeError);
}
