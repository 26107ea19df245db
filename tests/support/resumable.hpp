#pragma once
// A small training run with every kind of state, which can be stopped after any batch, saved, and resumed.

#include <limits>

#include <fmt/format.h>

#include "handgrad/io/safetensors.hpp"
#include "handgrad/optim/lr_scheduler.hpp"
#include "handgrad/train/checkpoint.hpp"
#include "support/two_layers.hpp"

namespace support {

/// Replaces the checksum of a checkpoint by that of its contents.
inline void seal(handgrad::io::Safetensors& file) {
    file.metadata["handgrad.crc32"] = fmt::format("{:08x}", handgrad::io::checksum(file, "handgrad.crc32"));
}

/// 23 images in 5 shuffled batches, momentum, a decaying learning rate, a test after every epoch.
template <class B> struct Resumable {
    handgrad::data::ImageDataset images = patterns(23, 4, 3, 1), others = patterns(10, 4, 3, 2);
    TwoLayers<B> net{images, 5, sgd(0.1, 0.9), batches_of(5)};
    handgrad::data::DataLoader<B> test{others, {10, false}};
    handgrad::train::Classification<B> testing{net.model, test};
    handgrad::optim::ExponentialLR slower{net.optimizer, 0.7};
    handgrad::optim::StepLR steps{net.optimizer, 2, 0.5};
    handgrad::Random random{3};
    handgrad::train::Run<B> run{net.task, net.optimizer, {{"--batch-size", "5"}, {"--seed", "1"}}, &testing, &random};
    std::vector<handgrad::train::EpochResult> epochs; ///< results of the epochs that ended in this process

    /// Trains until the run has done this number of batches in total, or three epochs.
    void go(std::size_t until = std::numeric_limits<std::size_t>::max()) {
        const auto done = [&] {
            return static_cast<std::size_t>(net.loader.state().epoch) * net.loader.size() + net.loader.state().batch;
        };
        while (net.loader.state().epoch < 3 && done() < until) {
            const auto epoch = static_cast<std::size_t>(net.loader.state().epoch);
            handgrad::train::train_one_epoch(
                run, {2, [&](std::size_t, std::size_t) { random.normal(); }, [&] { return done() >= until; }});
            if (run.epoch.batches < net.loader.size()) { return; }
            epochs.push_back(run.epoch);
            run.history.add_test(handgrad::train::test_one_epoch<B>(testing), (epoch + 1) * net.loader.dataset_size());
            slower.step();
            steps.step();
        }
    }

    void save(const std::filesystem::path& path) const { handgrad::train::save_checkpoint(path, run); }
    void load(const std::filesystem::path& path) {
        handgrad::train::load_checkpoint(path, run);
        steps.restore(static_cast<std::size_t>(net.loader.state().epoch));
    }
};

} // namespace support
