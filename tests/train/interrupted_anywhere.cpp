// Ctrl-C at any moment of a training run, on threads that yield at random: in a batch, between two threads of a loop, in a
// test or while a checkpoint is written. ThreadSanitizer watches it in tests/sanitizers/run thread.

#include <chrono>
#include <csignal>
#include <cstdint>
#include <memory>
#include <thread>

#include <unistd.h>

#include "catch.hpp"
#include "handgrad/app/interrupt.hpp"
#include "handgrad/backends/cpu.hpp"
#include "handgrad/nn/nn.hpp"
#include "handgrad/optim/adam.hpp"
#include "handgrad/optim/sgd.hpp"
#include "handgrad/train/checkpoint.hpp"
#include "support/images.hpp"
#include "support/options.hpp"
#include "support/random_yields.hpp"
#include "support/temporary_folder.hpp"
#include "support/tensors.hpp"

using namespace handgrad;
using namespace support;

namespace {

using InterruptedBackend = Cpu<float>;

#ifdef HANDGRAD_SANITIZED
constexpr std::size_t usual_interruptions = 60;
#else
constexpr std::size_t usual_interruptions = 24;
#endif

/// Classification, with places to yield and to be interrupted before and after each pass.
class Yielding : public train::Classification<InterruptedBackend> {
public:
    using Classification::Classification;
    void forward() override {
        yield_at_random();
        Classification::forward();
        yield_at_random();
    }
    void backward() override {
        yield_at_random();
        Classification::backward();
        yield_at_random();
    }
};

/// What is trained: a plain network with SGD, or one with BatchNorm and Dropout with AdamW.
enum class InterruptedNetwork { plain, normalised };

/// Two epochs of three batches each, with a test after each epoch. The convolution, its ReLU, the pooling, BatchNorm and
/// Dropout run on several threads.
class InterruptedRun {
public:
    InterruptedRun(const data::ImageDataset& images, InterruptedNetwork kind)
        : optimizer_(optimizer(fill(model_, kind), kind)), loader_(images, order(true)),
          test_loader_(images, order(false)), task_(model_, loader_),
          testing_(model_, test_loader_), run_{task_, *optimizer_, {}, &testing_} {}

    /// Trains until `stop` says so, or to the end, and saves the run.
    void go(const train::Stop& stop, const std::filesystem::path& file) {
        const train::OnBatch on_batch = [](std::size_t, std::size_t) { yield_at_random(); };
        while (loader_.state().epoch < 2 && !stop()) {
            const auto epoch = static_cast<std::size_t>(loader_.state().epoch);
            train::train_one_epoch(run_, {1, on_batch, stop});
            if (run_.epoch.batches < loader_.size()) { break; }
            yield_at_random();
            run_.history.add_test(train::test_one_epoch<InterruptedBackend>(testing_),
                                  (epoch + 1) * loader_.dataset_size());
        }
        yield_at_random();
        train::save_checkpoint(file, run_);
        yield_at_random();
    }
    void load(const std::filesystem::path& file) { train::load_checkpoint(file, run_); }

private:
    static data::LoaderOptions order(bool shuffle) {
        data::LoaderOptions options;
        options.shuffle = shuffle;
        return options;
    }
    static std::unique_ptr<optim::Optimizer<InterruptedBackend>>
    optimizer(std::vector<nn::Parameter<InterruptedBackend>*> parameters, InterruptedNetwork kind) {
        if (kind == InterruptedNetwork::plain) {
            return std::make_unique<optim::SGD<InterruptedBackend>>(std::move(parameters), sgd(0.1, 0.9));
        }
        return std::make_unique<optim::AdamW<InterruptedBackend>>(std::move(parameters));
    }
    static std::vector<nn::Parameter<InterruptedBackend>*> fill(nn::Sequential<InterruptedBackend>& model,
                                                                InterruptedNetwork kind) {
        Random random(1);
        model.add<nn::Conv2d<InterruptedBackend>>(1, 4, 3, random);
        if (kind == InterruptedNetwork::normalised) {
            model.add<nn::BatchNorm2d<InterruptedBackend>>(4);
            model.add<nn::Dropout<InterruptedBackend>>(0.25, 7);
        }
        model.add<nn::ReLU<InterruptedBackend>>();
        model.add<nn::MaxPool2d<InterruptedBackend>>(2);
        model.add<nn::Flatten<InterruptedBackend>>();
        model.add<nn::Linear<InterruptedBackend>>(4 * 4 * 4, 3, random);
        return model.parameters();
    }

    nn::Sequential<InterruptedBackend> model_;
    std::unique_ptr<optim::Optimizer<InterruptedBackend>> optimizer_;
    data::DataLoader<InterruptedBackend> loader_, test_loader_;
    Yielding task_, testing_;
    train::Run<InterruptedBackend> run_;
};

bool never() { return false; }

/// Interrupts a run at this number of moments, and compares what it becomes when it goes on with a run that was not
/// interrupted.
void interrupt_anywhere(InterruptedNetwork kind, std::size_t interruptions) {
    const auto before = std::signal(SIGINT, SIG_DFL); // a shell's background jobs ignore it
    const Threads threads(3);
    const TemporaryFolder folder;
    const data::ImageDataset images = patterns(192, 10, 3, 1);
    std::uint64_t places = 0;
    std::chrono::microseconds duration{0};
    {
        const RandomYields yields(1);
        const auto start = std::chrono::steady_clock::now();
        InterruptedRun(images, kind).go(never, folder / "whole");
        places = yields.count();
        duration = std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - start);
    }
    const std::string expected = read_bytes(folder / "whole");
    for (const std::uint64_t seed : seeds(interruptions)) {
        INFO("HANDGRAD_TEST_SEED=" << seed);
        announce(seed);
        Random random(seed);
        const bool by_time = seed % 3 == 0; // at any time, to any thread of the process; or at one of the places
        const app::InterruptGuard guard;
        // Two runs come to about twice as many places as one; how often a thread waits differs from time to time.
        const RandomYields yields(seed, by_time ? 0 : 1 + random.below(places / 2 + 1));
        std::thread sender([by_time, wait = random.below(static_cast<std::uint64_t>(duration.count()) + 1)] {
            if (!by_time) { return; }
            std::this_thread::sleep_for(std::chrono::microseconds(wait));
            ::kill(::getpid(), SIGINT);
        });
        // Meanwhile another run takes the same images and the same pool of threads.
        std::thread neighbour([&] { InterruptedRun(images, kind).go(never, folder / "neighbour"); });
        InterruptedRun(images, kind).go(app::interrupted, folder / "run");
        sender.join();
        neighbour.join();
        CHECK(app::interrupted());
        InterruptedRun second(images, kind);
        second.load(folder / "run");
        second.go(never, folder / "resumed");
        CHECK(read_bytes(folder / "resumed") == expected);
        CHECK(read_bytes(folder / "neighbour") == expected);
    }
    std::signal(SIGINT, before);
}

} // namespace

TEST_CASE("a run interrupted at any moment goes on to the same bits, whoever yields", "[interleaved][checkpoint]") {
    interrupt_anywhere(InterruptedNetwork::plain, usual_interruptions);
}

TEST_CASE("a run with BatchNorm, Dropout and AdamW interrupted at any moment goes on to the same bits, whoever yields",
          "[interleaved][checkpoint]") {
    interrupt_anywhere(InterruptedNetwork::normalised, usual_interruptions / 3);
}
