// A loader that is restored while a loop over its batches is not finished.

#include <vector>

#include "catch.hpp"
#include "handgrad/backends/cpu.hpp"
#include "handgrad/data/data_loader.hpp"
#include "support/images.hpp"

using namespace handgrad;
using namespace support;

namespace {

using FloatLoader = data::DataLoader<Cpu<float>>;

/// The first pixel of each image of the batches that a loop gives from here on.
std::vector<std::vector<float>> rest_of_epoch(FloatLoader& loader) {
    std::vector<std::vector<float>> batches;
    for (const auto& batch : loader) {
        std::vector<float> pixels;
        for (std::size_t n = 0; n < batch.labels.size(); ++n) { pixels.push_back(batch.images(n, 0, 0, 0)); }
        batches.push_back(pixels);
    }
    return batches;
}

} // namespace

TEST_CASE("a loader restored after a break goes on at the batch that it was given", "[data][loader]") {
    const data::ImageDataset images = patterns(23, 4, 3, 1);
    data::LoaderOptions options;
    options.batch_size = 5;
    options.seed = 3;
    for (const data::LoaderState state : {data::LoaderState{0, 0}, data::LoaderState{0, 2}, data::LoaderState{2, 3}}) {
        INFO("epoch " << state.epoch << ", batch " << state.batch);
        FloatLoader straight(images, options), left(images, options);
        straight.restore(state);
        int batches = 0;
        for (const auto& batch : left) { // left in the middle of an epoch
            REQUIRE(batch.labels.size() == 5);
            if (++batches == 2) { break; }
        }
        left.restore(state);
        CHECK(left.state().epoch == state.epoch);
        CHECK(left.state().batch == state.batch);
        const auto expected = rest_of_epoch(straight);
        CHECK(expected.size() == 5 - state.batch);
        CHECK(rest_of_epoch(left) == expected);
        CHECK(left.state().epoch == state.epoch + 1); // and has advanced to the next epoch
        CHECK(left.state().batch == 0);
        CHECK(rest_of_epoch(left) == rest_of_epoch(straight));
    }
}
