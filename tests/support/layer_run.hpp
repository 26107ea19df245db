#pragma once
// A small training run of a network with one layer of interest, for what that layer keeps in a checkpoint.

#include <string>

#include "handgrad/nn/nn.hpp"
#include "support/images.hpp"
#include "support/saved_run.hpp"
#include "support/temporary_folder.hpp"
#include "support/two_layers.hpp"

namespace support {

/// Flatten, Linear(16, 6), the layer, whose name is "2", Linear(6, 3); SGD with momentum on 23 images in 5 batches.
template <class B, class Layer> struct LayerRun {
    handgrad::data::ImageDataset images = patterns(23, 4, 3, 1);
    handgrad::nn::Sequential<B> model;
    handgrad::optim::SGD<B> optimizer;
    handgrad::data::DataLoader<B> loader{images, batches_of(5)};
    handgrad::train::Classification<B> task{model, loader};
    handgrad::train::Run<B> run{task, optimizer, {}, nullptr, nullptr};

    /// @param arguments of the layer
    template <class... Arguments> explicit LayerRun(Arguments... arguments)
        : optimizer(fill(model, arguments...), sgd(0.1, 0.9)) {}

    /// Trains until the run has done this number of batches of its first epoch.
    void go(std::size_t until) {
        handgrad::train::train_one_epoch(run, {1, {}, [&] { return loader.state().batch >= until; }});
    }
    /// The checkpoint.
    std::string bytes(const TemporaryFolder& folder) const {
        handgrad::train::save_checkpoint(folder / "bytes", run);
        return read_bytes(folder / "bytes");
    }

private:
    template <class... Arguments>
    static std::vector<handgrad::nn::Parameter<B>*> fill(handgrad::nn::Sequential<B>& model, Arguments... arguments) {
        handgrad::Random random(1);
        model.template add<handgrad::nn::Flatten<B>>();
        model.template add<handgrad::nn::Linear<B>>(16, 6, random);
        model.template add<Layer>(arguments...);
        model.template add<handgrad::nn::Linear<B>>(6, 3, random);
        return model.parameters();
    }
};

} // namespace support
