#pragma once
// A network with its loss, optimiser and data, ready for training.

#include "handgrad/backends/cpu.hpp"
#include "handgrad/nn/nn.hpp"
#include "handgrad/optim/sgd.hpp"
#include "handgrad/train/train.hpp"
#include "support/images.hpp"
#include "support/options.hpp"

namespace support {

/// Flatten, Linear, ReLU, Linear.
template <class B> struct TwoLayers {
    using T = typename B::Scalar;

    handgrad::nn::Sequential<B> model;
    handgrad::optim::SGD<B> optimizer;
    handgrad::data::DataLoader<B> loader;
    handgrad::train::Classification<B> task{model, loader};
    handgrad::train::Run<B> run{task, optimizer};
    handgrad::train::History& history = run.history;

    TwoLayers(const handgrad::data::ImageDataset& images, std::size_t hidden, const handgrad::SgdOptions& options,
              const handgrad::data::LoaderOptions& order)
        : optimizer(fill(model, images, hidden), options), loader(images, order) {}

    handgrad::train::EpochResult epoch(std::size_t number, std::size_t log_interval = 1,
                                       const handgrad::train::OnBatch& on_batch = {}) {
        loader.restore({number, 0});
        return handgrad::train::train_one_epoch(run, {log_interval, on_batch});
    }

    /// Tests on other images.
    handgrad::train::EpochResult test(handgrad::data::DataLoader<B>& others) {
        handgrad::train::Classification<B> testing(model, others);
        return handgrad::train::test_one_epoch<B>(testing);
    }

    std::vector<handgrad::Tensor<T>> parameters() const {
        std::vector<handgrad::Tensor<T>> all;
        for (const auto* p : model.parameters()) { all.push_back(B::to_host(p->value)); }
        return all;
    }

private:
    static std::vector<handgrad::nn::Parameter<B>*>
    fill(handgrad::nn::Sequential<B>& model, const handgrad::data::ImageDataset& images, std::size_t hidden) {
        handgrad::Random random(1);
        model.template add<handgrad::nn::Flatten<B>>();
        model.template add<handgrad::nn::Linear<B>>(images.height * images.width, hidden, random);
        model.template add<handgrad::nn::ReLU<B>>();
        model.template add<handgrad::nn::Linear<B>>(hidden, images.class_names.size(), random);
        return model.parameters();
    }
};

/// Batches of this size, in a random order of this seed.
inline handgrad::data::LoaderOptions batches_of(std::size_t size, std::uint64_t seed = 1) {
    handgrad::data::LoaderOptions options;
    options.batch_size = size;
    options.seed = seed;
    return options;
}

} // namespace support
