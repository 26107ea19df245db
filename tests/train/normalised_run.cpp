// Runs whose state is spread over many places: running statistics of BatchNorm, the counter of Dropout's masks, the
// moments of AdamW, a schedule, and tests in evaluation mode between the epochs.

#include <type_traits>

#include "catch.hpp"
#include "handgrad/nn/nn.hpp"
#include "handgrad/optim/adam.hpp"
#include "handgrad/optim/lr_scheduler.hpp"
#include "handgrad/train/checkpoint.hpp"
#include "support/images.hpp"
#include "support/temporary_folder.hpp"
#include "support/tensors.hpp"
#include "support/two_layers.hpp"

using namespace handgrad;
using namespace support;

namespace {

/// Three epochs of three batches of 64 images, which several threads share: (64, 8, 8, 8) are two chunks of a dropout.
template <class B> struct NormalisedRun {
    data::ImageDataset images = patterns(192, 10, 3, 1), others = patterns(20, 10, 3, 2);
    nn::Sequential<B> model;
    data::DataLoader<B> loader{images, batches_of(64)}, test_loader{others, {20, false}};
    optim::AdamW<B> optimizer{fill()};
    optim::ExponentialLR scheduler{optimizer, 0.5};
    train::Classification<B> task{model, loader}, testing{model, test_loader};
    train::Run<B> run{task, optimizer, {}, &testing};

    void go(std::size_t until) {
        const auto done = [&] { return static_cast<std::size_t>(loader.state().epoch) * 3 + loader.state().batch; };
        while (done() < until) {
            train::train_one_epoch(run, {1, {}, [&] { return done() >= until; }});
            if (run.epoch.batches < 3) { return; }
            run.history.add_test(train::test_one_epoch<B>(testing), loader.state().epoch * images.size());
            scheduler.step();
        }
    }
    std::string bytes(const TemporaryFolder& folder) const {
        train::save_checkpoint(folder / "bytes", run);
        return read_bytes(folder / "bytes");
    }

private:
    std::vector<nn::Parameter<B>*> fill() {
        Random random(1);
        model.template add<nn::Conv2d<B>>(1, 8, 3, random);
        model.template add<nn::BatchNorm2d<B>>(8);
        model.template add<nn::ReLU<B>>();
        model.template add<nn::Dropout<B>>(0.25, 7, 0);
        model.template add<nn::Flatten<B>>();
        model.template add<nn::Linear<B>>(8 * 8 * 8, 16, random);
        model.template add<nn::BatchNorm1d<B>>(16);
        model.template add<nn::Sigmoid<B>>();
        model.template add<nn::Dropout<B>>(0.5, 7, 1);
        model.template add<nn::Linear<B>>(16, 3, random);
        return model.parameters();
    }
};

} // namespace

TEMPLATE_TEST_CASE("a run with BatchNorm, Dropout and AdamW goes on to the same bits, on any number of threads",
                   "[checkpoint][batch_norm][dropout]", Cpu<float>, Device<float>) {
    const TemporaryFolder folder;
    std::string expected;
    // OpenMP's threads wait busily for each other, which takes seconds beside other tests: on the device one is enough.
    const bool is_device = std::is_same_v<TestType, Device<float>>;
    const Threads all(is_device ? 1 : 3);
    for (const int threads : {1, 2, 4}) {
        if (is_device && threads > 1) { break; }
        INFO(threads << " threads");
        const Threads guard(threads);
        NormalisedRun<TestType> whole;
        whole.go(9);
        if (expected.empty()) { expected = whole.bytes(folder); }
        CHECK(whole.bytes(folder) == expected);
        CHECK(whole.run.history.test_losses.size() == 3);
    }
    for (const std::size_t stop : {1, 5, 6}) {
        INFO("stopped after " << stop << " batches");
        NormalisedRun<TestType> first, second;
        {
            const Threads guard(is_device ? 1 : 2);
            first.go(stop);
        }
        train::save_checkpoint(folder / "run", first.run);
        second.go(4); // a run with another state
        train::load_checkpoint(folder / "run", second.run);
        CHECK(second.bytes(folder) == read_bytes(folder / "run"));
        second.go(9);
        CHECK(second.bytes(folder) == expected);
    }
}

TEST_CASE("a test between two epochs moves neither running statistics nor masks", "[checkpoint][batch_norm][dropout]") {
    NormalisedRun<Cpu<float>> tested, untested;
    tested.go(2);
    untested.go(2);
    for (int i = 0; i < 3; ++i) { train::test_one_epoch<Cpu<float>>(tested.testing); }
    const auto& buffers = tested.model.named_buffers();
    REQUIRE(buffers.size() == 8); // three of each BatchNorm, one of each Dropout
    for (std::size_t i = 0; i < buffers.size(); ++i) {
        INFO(buffers[i].first);
        CHECK(same_bits(*buffers[i].second, *untested.model.named_buffers()[i].second));
    }
    tested.go(3);
    untested.go(3);
    CHECK(same_bits(tested.model.parameters()[0]->value, untested.model.parameters()[0]->value));
}
