// Random steps: every pixel against a loop that moves whole images, step by step.

#include <algorithm>
#include <map>
#include <set>
#include <vector>

#include "catch.hpp"
#include "handgrad/backends/cpu.hpp"
#include "handgrad/backends/device.hpp"
#include "handgrad/backends/reference.hpp"
#include "handgrad/data/data_loader.hpp"
#include "handgrad/error.hpp"
#include "handgrad/tensor/philox.hpp"
#include "support/images.hpp"
#include "support/tensors.hpp"

using namespace handgrad;
using namespace support;

namespace {

const data::ToTensor as_numbers;

// Images of 6 x 9 pixels, all of them different and none 0: a pixel from outside is 0.
data::ImageDataset wide_images(std::size_t n) {
    data::ImageDataset images;
    images.name = "wide train";
    images.class_names = {"0", "1", "2"};
    images.height = 6;
    images.width = 9;
    for (std::size_t i = 0; i < n; ++i) {
        for (std::size_t p = 0; p < 54; ++p) {
            images.pixels.push_back(static_cast<std::uint8_t>(1 + (p + 7 * i) % 250));
        }
        images.labels.push_back(static_cast<std::uint8_t>(i % 3));
    }
    return images;
}

data::LoaderOptions batches_of(std::size_t size, std::uint64_t seed = 3) {
    data::LoaderOptions options;
    options.batch_size = size;
    options.seed = seed;
    return options;
}

// The random steps as loops over an image's pixels.
struct Picture {
    std::size_t h, w;
    std::vector<int> pixels;
    int get(std::ptrdiff_t p, std::ptrdiff_t q) const {
        const auto rows = static_cast<std::ptrdiff_t>(h), columns = static_cast<std::ptrdiff_t>(w);
        if (p < 0 || q < 0 || p >= rows || q >= columns) { return 0; }
        return pixels[static_cast<std::size_t>(p * columns + q)];
    }
};

struct Draws {
    std::uint64_t seed;
    std::uint32_t epoch, image;
    std::uint32_t word(std::uint32_t step, std::uint32_t which) const {
        return random_bits(seed, 0x41554700 + step, epoch, 4 * std::uint64_t{image} + which);
    }
    std::ptrdiff_t below(std::size_t count, std::uint32_t step, std::uint32_t which) const {
        return static_cast<std::ptrdiff_t>(std::uint64_t{count} * word(step, which) >> 32);
    }
};

Picture moved(const Picture& x, const data::RandomCrop& crop, const Draws& draws, std::uint32_t step) {
    const auto row = draws.below(x.h + 2 * crop.padding.h - crop.size.h + 1, step, 0);
    const auto column = draws.below(x.w + 2 * crop.padding.w - crop.size.w + 1, step, 1);
    Picture y{crop.size.h, crop.size.w, {}};
    for (std::size_t p = 0; p < y.h; ++p) {
        for (std::size_t q = 0; q < y.w; ++q) {
            y.pixels.push_back(x.get(static_cast<std::ptrdiff_t>(p - crop.padding.h) + row,
                                     static_cast<std::ptrdiff_t>(q - crop.padding.w) + column));
        }
    }
    return y;
}
Picture moved(const Picture& x, const data::RandomShift& shift, const Draws& draws, std::uint32_t step) {
    return moved(x, data::RandomCrop{{x.h, x.w}, shift.pixels}, draws, step);
}
Picture moved(Picture x, const data::RandomHorizontalFlip& flip, const Draws& draws, std::uint32_t step) {
    if (static_cast<double>(draws.word(step, 0) >> 8) / 16777216 < flip.p) {
        for (std::size_t p = 0; p < x.h; ++p) {
            const auto row = x.pixels.begin() + static_cast<std::ptrdiff_t>(p * x.w);
            std::reverse(row, row + static_cast<std::ptrdiff_t>(x.w));
        }
    }
    return x;
}
template <class Step> Picture moved(Picture x, const Step&, const Draws&, std::uint32_t) {
    return x;
} // ToTensor, Normalize

Picture moved(const data::ImageDataset& images, std::size_t n, const data::Transforms& steps, Draws draws) {
    Picture picture{images.height, images.width, {images.image(n), images.image(n) + images.height * images.width}};
    draws.image = static_cast<std::uint32_t>(n);
    for (std::uint32_t i = 0; i < steps.size(); ++i) {
        picture = std::visit([&](const auto& step) { return moved(picture, step, draws, i); }, steps[i]);
    }
    return picture;
}

// All batches of some epochs, and what they should be.
template <class Backend> void require_moved(const data::Transforms& steps, Size2d size, std::size_t batch_size) {
    using T = typename Backend::Scalar;
    const data::ImageDataset images = wide_images(40);
    const data::LoaderOptions options = batches_of(batch_size);
    data::DataLoader<Backend> loader(images, options, steps);
    data::BatchSampler sampler(images.size(), options);
    for (std::uint32_t epoch = 0; epoch < 2; ++epoch) {
        for (std::size_t b = 0; b < loader.size(); ++b) {
            const auto& batch = loader.next();
            const auto range = sampler.next();
            const Tensor<T> pixels = Backend::to_host(batch.images);
            REQUIRE(pixels.shape() == Shape{range.count, 1, size.h, size.w});
            for (std::size_t i = 0; i < range.count; ++i) {
                const Picture picture = moved(images, range.first[i], steps, {options.seed, epoch, 0});
                REQUIRE(picture.pixels.size() == size.h * size.w);
                for (std::size_t j = 0; j < picture.pixels.size(); ++j) {
                    const auto byte = static_cast<std::uint8_t>(picture.pixels[j]);
                    T expected = 0;
                    data::apply<T>(steps, &byte, 1, &expected);
                    REQUIRE(pixels.data()[i * picture.pixels.size() + j] == expected);
                }
            }
        }
    }
}

// How the first image has been moved in each of many epochs: a name for every version of it.
std::map<std::vector<float>, int> versions(const data::Transforms& steps, int epochs) {
    const data::ImageDataset images = wide_images(1);
    data::DataLoader<Cpu<float>> loader(images, batches_of(1), steps);
    std::map<std::vector<float>, int> counts;
    for (int epoch = 0; epoch < epochs; ++epoch) {
        const Tensor<float>& pixels = loader.next().images;
        ++counts[std::vector<float>(pixels.data(), pixels.data() + pixels.size())];
    }
    return counts;
}

} // namespace

TEMPLATE_TEST_CASE("random steps move every pixel as loops over whole images do", "[device][data]", Cpu<float>,
                   Cpu<double>, Device<float>) {
    const data::Normalize normalize{0.25, 0.5};
    const data::RandomHorizontalFlip flip;
    for (const std::size_t batch_size : {1, 7, 64}) { // the division into batches does not matter
        require_moved<TestType>({data::RandomShift{2}, as_numbers, normalize}, {6, 9}, batch_size);
        require_moved<TestType>({data::RandomShift{{1, 4}}, flip, as_numbers}, {6, 9}, batch_size);
        require_moved<TestType>({data::RandomCrop{{4, 5}}, as_numbers}, {4, 5}, batch_size);
        require_moved<TestType>({data::RandomCrop{{8, 7}, {2, 1}}, flip, data::RandomShift{3}, flip,
                                 data::RandomCrop{{5, 3}, {0, 2}}, as_numbers, normalize},
                                {5, 3}, batch_size);
    }
}

TEST_CASE("every shift has the same probability, and a flip its own", "[data]") {
    // 3 x 5 shifts in 15,000 epochs: each 1,000 times, with a standard deviation of 30.6.
    const auto shifts = versions({data::RandomShift{{1, 2}}, as_numbers}, 15000);
    CHECK(shifts.size() == 15);
    for (const auto& [image, count] : shifts) { CHECK(std::abs(count - 1000) < 5 * 31); }
    const auto crops = versions({data::RandomCrop{{5, 7}}, as_numbers}, 6000); // 2 x 3 crops
    CHECK(crops.size() == 6);
    for (const auto& [image, count] : crops) { CHECK(std::abs(count - 1000) < 5 * 29); }

    const auto plain = versions({as_numbers}, 1).begin()->first;
    const auto flips = versions({data::RandomHorizontalFlip{0.25}, as_numbers}, 4000);
    REQUIRE(flips.size() == 2);
    CHECK(std::abs(flips.at(plain) - 3000) < 5 * 28);
    CHECK(versions({data::RandomHorizontalFlip{0}, as_numbers}, 100) ==
          std::map<std::vector<float>, int>{{plain, 100}});
    const auto always = versions({data::RandomHorizontalFlip{1}, as_numbers}, 100);
    CHECK(always.size() == 1);
    CHECK(always.count(plain) == 0);
    // Two steps draw different numbers, so two flips agree in half of the epochs; two that always flip undo each other.
    const data::RandomHorizontalFlip half{0.5}, certain{1};
    const auto twice = versions({half, half, as_numbers}, 1000);
    REQUIRE(twice.size() == 2);
    CHECK(std::abs(twice.at(plain) - 500) < 5 * 16);
    CHECK(versions({certain, certain, as_numbers}, 100) == std::map<std::vector<float>, int>{{plain, 100}});
}

TEST_CASE("images, epochs and seeds draw numbers of their own", "[data]") {
    const data::Transforms steps{data::RandomShift{4}};
    std::set<std::pair<int, int>> drawn[3];
    for (std::uint32_t i = 0; i < 50; ++i) {
        const data::AugmentationCounter counters[] = {{1, 0, i}, {1, i, 0}, {i, 0, 0}};
        for (int k = 0; k < 3; ++k) {
            const ImageWindow window = data::augmented_window(steps, {9, 9}, counters[k]);
            drawn[k].insert({window.first_row, window.first_column});
        }
    }
    for (const auto& positions : drawn) { CHECK(positions.size() > 25); } // of 81; 37 on average
}

TEMPLATE_TEST_CASE("an augmented epoch goes on in its middle with the same bits", "[device][data]", Cpu<float>,
                   Device<float>) {
    const data::ImageDataset images = wide_images(23);
    const data::Transforms steps{data::RandomShift{2}, data::RandomHorizontalFlip{}, as_numbers};
    data::DataLoader<TestType> whole(images, batches_of(5), steps), resumed(images, batches_of(5), steps);
    for (int i = 0; i < 7; ++i) { whole.next(); } // batch 2 of epoch 1
    resumed.restore(whole.state());
    for (int i = 0; i < 6; ++i) {
        const auto peeked = TestType::to_host(resumed.peek().images);
        const auto expected = TestType::to_host(whole.next().images);
        CHECK(same_bits(peeked, expected));
        CHECK(same_bits(TestType::to_host(resumed.next().images), expected));
    }
}

TEST_CASE("random steps are part of a loader's checksum", "[data]") {
    const data::ImageDataset images = wide_images(3);
    std::set<std::uint32_t> all;
    const auto is_new = [&](const data::Transforms& steps) {
        return all.insert(data::checksum(images, images.size(), steps)).second;
    };
    const data::RandomHorizontalFlip flip;
    CHECK(is_new({as_numbers}));
    CHECK(is_new({data::RandomShift{1}, as_numbers}));
    CHECK(is_new({data::RandomShift{2}, as_numbers}));
    CHECK(is_new({data::RandomShift{{2, 1}}, as_numbers}));
    CHECK(is_new({as_numbers, data::Normalize{1, 2}}));
    CHECK(is_new({flip, as_numbers}));
    CHECK(is_new({data::RandomHorizontalFlip{0.25}, as_numbers}));
    CHECK(is_new({data::RandomShift{2}, flip, as_numbers}));
    CHECK(is_new({flip, data::RandomShift{2}, as_numbers}));
    CHECK(is_new({data::RandomCrop{{6, 9}, 2}, as_numbers}));
    CHECK(is_new({data::RandomCrop{{6, 9}, 1}, as_numbers}));
    CHECK(is_new({data::RandomCrop{{5, 9}, 2}, as_numbers}));
}

TEST_CASE("random steps that are not possible are refused", "[data]") {
    const data::ImageDataset images = wide_images(3);
    const auto message = [&](const data::Transforms& steps) {
        return message_of([&] { data::DataLoader<Cpu<float>>(images, {}, steps); });
    };
    const data::RandomHorizontalFlip flip;
    CHECK(message({data::RandomShift{2}, flip, as_numbers}) == "no exception");
    CHECK(message({data::RandomShift{6}, as_numbers}) ==
          "RandomShift: pixels is 6, expected less than the image, (6, 9)");
    CHECK(message({data::RandomShift{static_cast<std::size_t>(-1)}, as_numbers}) ==
          "RandomShift: pixels is -1, expected at least 0");
    CHECK(message({data::RandomCrop{{7, 9}}, as_numbers}) ==
          "RandomCrop: size is (7, 9), expected at most the padded image, (6, 9)");
    CHECK(message({data::RandomCrop{{5, 5}}, data::RandomCrop{{6, 5}}, as_numbers}) ==
          "RandomCrop: size is (6, 5), expected at most the padded image, (5, 5)");
    CHECK(message({data::RandomCrop{0}, as_numbers}) == "RandomCrop: size is 0, expected at least 1");
    CHECK(message({data::RandomCrop{4, 9}, as_numbers}) ==
          "RandomCrop: padding is 9, expected less than the image, (6, 9)");
    CHECK(message({data::RandomHorizontalFlip{1.5}, as_numbers}) == "RandomHorizontalFlip: p is 1.5, expected 0 to 1");
    CHECK(message({as_numbers, flip}) == "transforms: step 1 is RandomHorizontalFlip, expected Normalize");
    CHECK(message({flip, data::Normalize{0, 1}}) == "transforms: step 1 is Normalize, expected ToTensor");
    CHECK(message({flip}) == "transforms: there is no ToTensor, expected one after the random steps");
    CHECK(data::without_augmentation({flip, data::RandomShift{1}, as_numbers, data::Normalize{0, 1}}).size() == 2);
}
