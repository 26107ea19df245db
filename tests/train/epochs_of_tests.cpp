// Where a test epoch leaves its loader, and a run that is saved before it has begun.

#include "catch.hpp"
#include "support/resumable.hpp"
#include "support/temporary_folder.hpp"
#include "support/tensors.hpp"
#include "support/two_layers.hpp"

using namespace handgrad;
using namespace support;

TEST_CASE("a test epoch is a whole one, also if the loader is in the middle of another", "[train]") {
    using B = Cpu<float>;
    const data::ImageDataset images = patterns(23, 4, 3, 1);
    TwoLayers<B> trained(images, 5, sgd(0.1), batches_of(8));
    for (const data::LoaderState start : {data::LoaderState{2, 0}, data::LoaderState{2, 1}, data::LoaderState{2, 2}}) {
        INFO("batch " << start.batch);
        data::DataLoader<B> others(images, batches_of(8));
        others.restore(start);
        CHECK(trained.test(others).examples == 23);
        CHECK(others.state().epoch == (start.batch == 0 ? 3 : 4)); // the rest of a begun epoch is left out
        CHECK(others.state().batch == 0);
    }
}

TEST_CASE("a run saved before its first batch has no loss yet when it is restored", "[train]") {
    const TemporaryFolder folder;
    Resumable<Cpu<float>> fresh, other;
    fresh.save(folder / "run");
    other.go(7);
    REQUIRE(other.run.epoch.loss != 0);
    other.load(folder / "run");
    CHECK(other.run.epoch.loss == 0);
    CHECK(other.run.epoch.examples == 0);
    CHECK(other.run.history.train_losses.empty());
}
