#pragma once
// ## Two ways to train
//
// The preset `lecture` is plain SGD with small steps on the pixels as they are. `good` is what you
// would do for better accuracy: centred pixels, momentum, and steps that are large at first and get
// smaller.
#include <cmath>
#include <cstddef>
#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include <fmt/format.h>

#include <handgrad/app/program.hpp>
#include <handgrad/data/mnist.hpp>
#include <handgrad/data/transforms.hpp>
#include <handgrad/train/checkpoint.hpp>

struct Preset {
    double lr, momentum, gamma;
    bool normalize;
};

inline Preset preset_of(const std::string& name) {
    if (name == "lecture") { return {0.001, 0, 1, false}; }
    return {0.02, 0.9, 0.8, true};
}

// ## Digits or clothes
//
// Fashion-MNIST has the sizes of MNIST and shows clothes. `--data` takes the name of either, or a
// folder with the files of one of them; a folder called fashion-mnist holds clothes.
inline bool is_fashion(const std::filesystem::path& data) {
    const bool ends_in_slash = data.has_relative_path() && !data.has_filename();
    return (ends_in_slash ? data.parent_path() : data).filename() ==
           "fashion-mnist";
}

inline handgrad::data::ImageDataset load(handgrad::data::Split split,
                                         const std::filesystem::path& data) {
    const bool name = data == "mnist" || data == "fashion-mnist";
    const std::filesystem::path folder = name ? std::filesystem::path() : data;
    if (is_fashion(data)) {
        return handgrad::data::load_fashion_mnist(split, folder);
    }
    return handgrad::data::load_mnist(split, folder);
}

// Mean and standard deviation of the training pixels, to the four digits that are usually quoted:
// 0.1307 and 0.3081 for MNIST (chapter 01).
inline handgrad::data::Normalize
normalize(const handgrad::data::ImageDataset& train_set) {
    const auto pixels = handgrad::data::pixel_statistics(train_set);
    return {std::round(pixels.mean * 1e4) / 1e4,
            std::round(pixels.std * 1e4) / 1e4};
}

// ## Settings
//
// These are the options of this chapter; others are common to several chapters. An option that the
// user does not set has the value of the preset.
using Texts = std::map<std::string, std::string>;

struct Settings {
    std::string preset = "lecture";
    std::optional<double> lr, momentum, gamma;
    std::size_t save_every = 0;
    bool unfused = false;
    std::filesystem::path weights;

    // Takes from the preset what the user has not set.
    void complete() {
        const Preset preset_values = preset_of(preset);
        lr = lr.value_or(preset_values.lr);
        momentum = momentum.value_or(preset_values.momentum);
        gamma = gamma.value_or(preset_values.gamma);
    }
};

// ## The command line
inline void offer_options(handgrad::app::Program& program, Settings& settings) {
    const auto* const preset =
        "default values of the next three options and of scaling";
    const auto* const gamma = "factor of the learning rate after each epoch";
    const auto* const data =
        "mnist or fashion-mnist, or a folder with the files of either";
    const auto* const every =
        "batches between two checkpoints; 0: one per epoch";
    const auto* const unfused =
        "compute convolution, ReLU and pooling separately: slower";
    const auto from = fmt::format("initial weights, as written by {}",
                                  handgrad::train::export_torch);
    program.option("--preset", settings.preset, {"lecture", "good"}, preset);
    program.option("--lr", settings.lr, 0, 1000, "learning rate",
                   "the preset's");
    program.option("--momentum", settings.momentum, 0, 0.9999,
                   "momentum of SGD", "the preset's");
    program.option("--gamma", settings.gamma, 1e-6, 1, gamma, "the preset's");
    program.option("--data", program.options().data, data);
    program.take({"--epochs", "--batch-size", "--limit", "--log-interval",
                  "--save", "--resume"});
    program.take_device();
    program.option("--save-every", settings.save_every, 0, 1000000000, every);
    program.flag("--unfused", settings.unfused, unfused);
    program.option("--weights", settings.weights, from);
}
