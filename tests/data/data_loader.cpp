#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <numeric>
#include <set>
#include <vector>

#include "catch.hpp"
#include "handgrad/backends/cpu.hpp"
#include "handgrad/data/data_loader.hpp"
#include "handgrad/error.hpp"

using namespace handgrad;
using data::ImageDataset;
using data::LoaderOptions;
using Loader = data::DataLoader<Cpu<float>>;

namespace {

// N images of 2 x 3 pixels; image n has pixels n, n + 1, .. (modulo 256) and label n % 10.
ImageDataset numbered_images(std::size_t n) {
    ImageDataset dataset;
    dataset.height = 2;
    dataset.width = 3;
    for (std::size_t i = 0; i < n; ++i) {
        for (std::size_t p = 0; p < 6; ++p) { dataset.pixels.push_back(static_cast<std::uint8_t>(i + p)); }
        dataset.labels.push_back(static_cast<std::uint8_t>(i % 10));
    }
    return dataset;
}

// The number of each image in the batch, after checking that it is whole and has its own label. N <= 250.
std::vector<int> numbers(const Loader::Batch& batch) {
    std::vector<int> result;
    REQUIRE(batch.images.dimension() == 4);
    REQUIRE(batch.images.shape()[0] == batch.labels.shape()[0]);
    for (std::size_t b = 0; b < batch.labels.size(); ++b) {
        const int n = static_cast<int>(batch.images(b, 0, 0, 0) * 255.0F + 0.5F);
        for (std::size_t p = 0; p < 6; ++p) {
            REQUIRE(batch.images(b, 0, p / 3, p % 3) == static_cast<float>(n + static_cast<int>(p)) / 255.0F);
        }
        REQUIRE(batch.labels(b) == n % 10);
        result.push_back(n);
    }
    return result;
}

std::vector<int> epoch_order(Loader& loader) {
    std::vector<int> order;
    for (const auto& batch : loader) {
        const auto n = numbers(batch);
        order.insert(order.end(), n.begin(), n.end());
    }
    return order;
}

std::vector<int> first_numbers(int n) {
    std::vector<int> result(static_cast<std::size_t>(n));
    std::iota(result.begin(), result.end(), 0);
    return result;
}

} // namespace

TEST_CASE("ToTensor and Normalize are torchvision's", "[data][transforms]") {
    std::array<std::uint8_t, 256> bytes{};
    std::iota(bytes.begin(), bytes.end(), std::uint8_t{0});
    std::array<float, 256> x{}, y{};
    data::apply<float>({data::ToTensor{}}, bytes.data(), 256, x.data());
    data::apply<float>({data::ToTensor{}, data::Normalize{0.1307, 0.3081}}, bytes.data(), 256, y.data());
    for (int v = 0; v < 256; ++v) {
        const auto i = static_cast<std::size_t>(v);
        REQUIRE(x[i] == static_cast<float>(v) / 255.0F);
        REQUIRE(y[i] == (static_cast<float>(v) / 255.0F - 0.1307F) / 0.3081F);
    }
    CHECK(x[0] == 0.0F);
    CHECK(x[255] == 1.0F);
    CHECK(y[0] == -0.424212962F); // torchvision prints -0.4242
    CHECK(y[255] == 2.82148671F); // and 2.8215

    std::array<double, 256> z{};
    data::apply<double>({data::ToTensor{}, data::Normalize{0.5, 0.5}, data::Normalize{-1.0, 2.0}}, bytes.data(), 256,
                        z.data());
    for (std::size_t i = 0; i < 256; ++i) {
        REQUIRE_THAT(z[i], Catch::Matchers::WithinAbs(static_cast<double>(i) / 255.0, 1e-15));
    }
}

TEST_CASE("transforms that make no sense are refused", "[data][transforms]") {
    const double nan = std::numeric_limits<double>::quiet_NaN();
    using data::Normalize, data::ToTensor;
    for (const data::Transforms& bad : {data::Transforms{},
                                        {Normalize{0, 1}},
                                        {ToTensor{}, ToTensor{}},
                                        {ToTensor{}, Normalize{0, 0}},
                                        {ToTensor{}, Normalize{nan, 1}},
                                        {ToTensor{}, Normalize{0, nan}}}) {
        REQUIRE_THROWS_AS(data::require_valid(bad), ShapeError);
        const ImageDataset dataset = numbered_images(3);
        REQUIRE_THROWS_AS(Loader(dataset, LoaderOptions{}, bad), ShapeError);
    }
}

TEST_CASE("every image comes exactly once an epoch", "[data][loader]") {
    const std::size_t n = GENERATE(1U, 2U, 7U, 64U, 65U, 250U);
    const std::size_t batch_size = GENERATE(1U, 3U, 64U, 1000U);
    const bool shuffle = GENERATE(false, true);
    const ImageDataset dataset = numbered_images(n);
    Loader loader(dataset, {batch_size, shuffle});
    REQUIRE(loader.size() == (n + batch_size - 1) / batch_size);
    REQUIRE(loader.dataset_size() == n);
    for (int epoch = 0; epoch < 3; ++epoch) {
        std::vector<int> order;
        std::size_t batches = 0;
        for (const auto& batch : loader) {
            const std::size_t expected = std::min(batch_size, n - batches * batch_size);
            REQUIRE(batch.images.shape() == Shape{expected, 1, 2, 3});
            REQUIRE(batch.labels.shape() == Shape{expected});
            const auto in_batch = numbers(batch);
            order.insert(order.end(), in_batch.begin(), in_batch.end());
            ++batches;
        }
        REQUIRE(batches == loader.size());
        if (shuffle) { std::sort(order.begin(), order.end()); }
        REQUIRE(order == first_numbers(static_cast<int>(n)));
    }
}

TEST_CASE("drop_last leaves out the short batch, limit all after the first", "[data][loader]") {
    const ImageDataset dataset = numbered_images(100);
    LoaderOptions options;
    options.batch_size = 30;
    options.drop_last = true;
    Loader dropping(dataset, options);
    REQUIRE(dropping.size() == 3);
    REQUIRE(epoch_order(dropping).size() == 90);
    const auto next = epoch_order(dropping);
    REQUIRE(std::set<int>(next.begin(), next.end()).size() == 90);

    options.drop_last = false;
    options.limit = 45;
    Loader limited(dataset, options);
    REQUIRE(limited.size() == 2);
    REQUIRE(limited.dataset_size() == 45);
    auto order = epoch_order(limited);
    REQUIRE(order != first_numbers(45));
    std::sort(order.begin(), order.end());
    REQUIRE(order == first_numbers(45));
    options.limit = 1000;
    REQUIRE(Loader(dataset, options).dataset_size() == 100);
}

TEST_CASE("the order depends on seed and epoch, and on nothing else", "[data][loader]") {
    const ImageDataset dataset = numbered_images(100);
    Loader a(dataset, {64, true, false, 5}), b(dataset, {7, true, false, 5}), c(dataset, {64, true, false, 6});
    const auto first = epoch_order(a);
    REQUIRE(epoch_order(b) == first);
    REQUIRE(epoch_order(c) != first);
    const auto second = epoch_order(a);
    REQUIRE(second != first);
    REQUIRE(epoch_order(b) == second);
}

TEST_CASE("batches allocate nothing after the first", "[data][loader]") {
    const ImageDataset dataset = numbered_images(100);
    Loader loader(dataset, {30});
    const float* images = nullptr;
    const std::int64_t* labels = nullptr;
    for (int epoch = 0; epoch < 3; ++epoch) {
        for (const auto& batch : loader) { // 30, 30, 30, 10, 30, ..: shrinks and grows again
            if (images == nullptr) {
                images = batch.images.data();
                labels = batch.labels.data();
            }
            REQUIRE(batch.images.data() == images);
            REQUIRE(batch.labels.data() == labels);
            REQUIRE(batch.images.storage().capacity() == 30 * 6);
        }
    }
}

TEST_CASE("a loader goes on where another one was", "[data][loader]") {
    const ImageDataset dataset = numbered_images(100);
    const LoaderOptions options{30, true, false, 11};
    Loader whole(dataset, options);
    std::vector<std::vector<int>> batches;
    std::vector<data::LoaderState> states{whole.state()};
    for (int epoch = 0; epoch < 3; ++epoch) {
        for (const auto& batch : whole) {
            batches.push_back(numbers(batch));
            states.push_back(whole.state());
        }
    }
    REQUIRE(batches.size() == 12);
    for (std::size_t start = 0; start < batches.size(); ++start) {
        CAPTURE(start);
        Loader resumed(dataset, options);
        REQUIRE(states[start].epoch == start / 4);
        REQUIRE(states[start].batch == start % 4);
        resumed.restore(states[start]);
        std::size_t next = start;
        while (next < batches.size()) {
            for (const auto& batch : resumed) { REQUIRE(numbers(batch) == batches.at(next++)); }
            REQUIRE(next % 4 == 0); // a loop ends with its epoch, also where it began in the middle
        }
    }
    REQUIRE_THROWS_AS(whole.restore({0, 4}), DataError);
}

TEST_CASE("a loop left by break is followed by the next epoch", "[data][loader]") {
    const ImageDataset dataset = numbered_images(100);
    Loader left(dataset, {30}), whole(dataset, {30});
    for (const auto& batch : left) {
        REQUIRE(batch.labels.size() == 30);
        break;
    }
    epoch_order(whole);
    REQUIRE(epoch_order(left) == epoch_order(whole));
}

TEST_CASE("peek gives the next batch and changes nothing", "[data][loader]") {
    const ImageDataset dataset = numbered_images(100);
    Loader peeking(dataset, {30}), plain(dataset, {30});
    for (int i = 0; i < 10; ++i) { // over the ends of two epochs
        CAPTURE(i);
        const data::LoaderState before = plain.state();
        const auto expected = numbers(plain.next());
        REQUIRE(numbers(peeking.peek()) == expected);
        REQUIRE(numbers(peeking.peek()) == expected);
        REQUIRE(peeking.state().epoch == before.epoch);
        REQUIRE(peeking.state().batch == before.batch);
        REQUIRE(numbers(peeking.next()) == expected);
    }
    REQUIRE(plain.state().epoch == 2);
    REQUIRE(plain.state().batch == 2);
    std::size_t batches = 0; // a loop goes on where next() was
    for (const auto& batch : peeking) {
        REQUIRE(numbers(batch) == numbers(plain.next()));
        ++batches;
    }
    REQUIRE(batches == 2);
    REQUIRE(peeking.state().epoch == 3);
}

TEST_CASE("loaders that would give nothing are refused", "[data][loader]") {
    const ImageDataset none, ten = numbered_images(10);
    REQUIRE_THROWS_AS(Loader(none), ShapeError);
    REQUIRE_THROWS_AS(Loader(ten, {0}), ShapeError);
    REQUIRE_THROWS_AS(Loader(ten, {11, true, true}), ShapeError);
    REQUIRE(Loader(ten, {10, true, true}).size() == 1);
}

TEST_CASE("double loaders give double numbers", "[data][loader]") {
    const ImageDataset dataset = numbered_images(5);
    data::DataLoader<Cpu<double>> loader(dataset, {5, false});
    REQUIRE((*loader.begin()).images(2, 0, 1, 2) == 7.0 / 255.0);
}

TEST_CASE("a loader's checksum is that of its images, labels and transforms", "[data]") {
    const data::Transforms plain{data::ToTensor{}};
    const auto checksum = [&plain](const ImageDataset& images, const LoaderOptions& options = {}) {
        return data::DataLoader<Cpu<float>>(images, options, plain).checksum();
    };
    const ImageDataset images = numbered_images(20);
    const std::uint32_t expected = checksum(images);
    // Python: zlib.crc32(struct.pack("<3Q", 20, 2, 3) + bytes(i + p for i in range(20) for p in range(6)) +
    //                    bytes(i % 10 for i in range(20)))
    CHECK(expected == 0xacf3f375);
    CHECK(data::DataLoader<Cpu<double>>(images).checksum() == expected);

    std::set<std::uint32_t> all{expected};
    const auto is_new = [&all](std::uint32_t sum) { return all.insert(sum).second; };
    for (std::size_t bit = 0; bit < 8 * images.pixels.size(); ++bit) {
        ImageDataset changed = images;
        changed.pixels[bit / 8] = static_cast<std::uint8_t>(changed.pixels[bit / 8] ^ (1U << bit % 8));
        if (!is_new(checksum(changed))) { FAIL_CHECK("bit " << bit << " goes unnoticed"); }
    }
    ImageDataset changed = images;
    std::swap(changed.labels[3], changed.labels[4]);
    CHECK(is_new(checksum(changed)));
    changed = images;
    std::rotate(changed.pixels.begin(), changed.pixels.begin() + 6, changed.pixels.end());
    std::rotate(changed.labels.begin(), changed.labels.begin() + 1, changed.labels.end());
    CHECK(is_new(checksum(changed))); // another order
    changed = images;
    std::swap(changed.height, changed.width);
    CHECK(is_new(checksum(changed)));

    LoaderOptions options;
    options.batch_size = 3;
    options.seed = 9;
    options.drop_last = true;
    CHECK(checksum(images, options) == expected);
    options.limit = 19;
    CHECK(is_new(checksum(images, options)));
    changed = images;
    changed.pixels.back() = 99; // of the image that is left out
    CHECK(checksum(changed, options) == checksum(images, options));

    for (const data::Normalize normalize :
         {data::Normalize{0.5, 2}, data::Normalize{0.5, 3}, data::Normalize{0.25, 2}}) {
        CHECK(is_new(data::DataLoader<Cpu<float>>(images, {}, {data::ToTensor{}, normalize}).checksum()));
    }
}
