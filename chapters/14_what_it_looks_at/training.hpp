#pragma once
// ## Training the three, in two ways
//
// All networks learn in the same way: SGD with momentum on shuffled batches, one epoch unless
// `--epochs` says otherwise. After each epoch the learning rate shrinks. A network either learns
// from the digits alone or from digits and attacks.

#include <cstddef>
#include <memory>
#include <string>

#include <handgrad/app/program.hpp>
#include <handgrad/app/progress.hpp>
#include <handgrad/backends/cpu.hpp>
#include <handgrad/data/data_loader.hpp>
#include <handgrad/optim/lr_scheduler.hpp>
#include <handgrad/optim/sgd.hpp>
#include <handgrad/train/train.hpp>

#include "adversarial.hpp"
#include "model.hpp"

using Backend = handgrad::Cpu<float>;

struct Trained {
    std::string name;
    Kind kind;
    bool adversarial = false; // whether it learns from attacks as well
    std::unique_ptr<Network<Backend>> network = {};
    Tensor<float> dx = {};        // of all test digits, after training
    double loss = 0, seconds = 0; // of the last epoch; of all epochs

    std::string learned_from() const {
        return adversarial ? "digits and attacks" : "digits";
    }
};

inline void train_network(Trained& trained,
                          const handgrad::data::ImageDataset& digits,
                          const handgrad::app::Options& options, double eps) {
    namespace data = handgrad::data;
    namespace train = handgrad::train;
    Random random(options.seed);
    trained.network = make_network<Backend>(trained.kind, random);
    Network<Backend>& network = *trained.network;

    data::LoaderOptions shuffled{options.batch_size};
    shuffled.seed = options.seed;
    shuffled.limit = options.limit;
    data::DataLoader<Backend> loader(digits, shuffled);
    std::unique_ptr<train::Task<Backend>> task;
    if (trained.adversarial) {
        task = std::make_unique<AdversarialTraining<Backend>>(network, loader,
                                                              eps);
    } else {
        task =
            std::make_unique<train::Classification<Backend>>(network, loader);
    }
    handgrad::SgdOptions sgd;
    sgd.lr = options.lr;
    sgd.momentum = 0.9;
    handgrad::optim::SGD<Backend> optimizer(network.parameters(), sgd);
    handgrad::optim::ExponentialLR scheduler(optimizer, 0.7);
    train::Run<Backend> run{*task, optimizer};

    const auto epochs = static_cast<std::size_t>(options.epochs);
    handgrad::app::Progress progress(epochs, loader.dataset_size());
    train::EpochSettings settings;
    settings.on_batch = [&](std::size_t done, std::size_t) {
        progress.update(done * options.batch_size);
    };
    for (std::size_t epoch = 0; epoch < epochs; ++epoch) {
        train::train_one_epoch(run, settings);
        trained.seconds += progress.end_epoch();
        scheduler.step();
    }
    trained.loss = run.epoch.loss;
}
