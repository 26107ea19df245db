#pragma once
// ## Settings
//
// The chapter's own run takes seconds: a narrow network sees a part of the digits for two epochs.
// The preset `full` trains the network that reaches the figures in the results.

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include <handgrad/app/program.hpp>
#include <handgrad/data/mnist.hpp>
#include <handgrad/data/transforms.hpp>

struct Preset {
    std::size_t width; // C, channels of the first convolution
    std::size_t epochs, limit;
    double lr; // the largest
};

inline Preset preset_of(const std::string& name) {
    if (name == "full") { return {32, 15, 0, 0.004}; }
    return {8, 2, 6400, 0.01};
}

// `--data` takes the name of either data set, or a folder with the files of one of them, as in
// chapter 09.
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

// ## What the network sees
//
// In each epoch every image is shifted by up to two pixels, up or down and to the left or right.
// Clothes are also reflected with a probability of one half: a shoe may point either way. Digits
// are not, because the mirror image of a 2 is no digit. The test images are shown as they are.
inline handgrad::data::Transforms
transforms(const handgrad::data::ImageDataset& train_set, std::size_t shift,
           double flip) {
    namespace data = handgrad::data;
    data::Transforms steps;
    if (shift > 0) { steps.emplace_back(data::RandomShift{shift}); }
    if (flip > 0) { steps.emplace_back(data::RandomHorizontalFlip{flip}); }
    steps.emplace_back(data::ToTensor{});
    const auto pixels = data::pixel_statistics(train_set);
    steps.emplace_back(data::Normalize{std::round(pixels.mean * 1e4) / 1e4,
                                       std::round(pixels.std * 1e4) / 1e4});
    return steps;
}

// ## Options
//
// An option that the user does not set has the value of the preset.
struct Settings {
    std::string preset = "small", part = "all";
    std::size_t blocks = 12; // of the deep networks
    std::size_t width = 0, epochs = 0, limit = 0, validation = 0;
    std::size_t shift = 2, save_every = 0;
    std::optional<double> lr, flip;
    double weight_decay = 0.05;

    void complete(const std::filesystem::path& data) {
        const Preset values = preset_of(preset);
        if (width == 0) { width = values.width; }
        if (epochs == 0) { epochs = values.epochs; }
        if (limit == 0) { limit = values.limit; }
        lr = lr.value_or(values.lr);
        flip = flip.value_or(is_fashion(data) ? 0.5 : 0);
    }
};

inline void offer_options(handgrad::app::Program& program, Settings& settings) {
    const auto* const data =
        "mnist or fashion-mnist, or a folder with the files of either";
    program.option("--part", settings.part,
                   {"all", "depth", "optimisers", "network"},
                   "the part of the chapter to run");
    program.option("--blocks", settings.blocks, 2, 100,
                   "blocks of the deep networks that are compared");
    program.option("--preset", settings.preset, {"small", "full"},
                   "default values of the next four options");
    program.option("--width", settings.width, 0, 256,
                   "channels of the first convolution; 0: the preset's");
    program.option("--epochs", settings.epochs, 0, 10000,
                   "passes over the training set; 0: the preset's");
    program.option("--limit", settings.limit, 0, 1000000000,
                   "number of training images; 0: the preset's");
    program.option("--lr", settings.lr, 0, 1, "largest learning rate",
                   "the preset's");
    program.option("--weight-decay", settings.weight_decay, 0, 100,
                   "AdamW's decay of weights");
    program.option("--shift", settings.shift, 0, 27,
                   "largest random shift of a training image, in pixels");
    program.option("--flip", settings.flip, 0, 1,
                   "probability that a training image is reflected",
                   "0.5 for clothes, 0 for digits");
    program.option("--validation", settings.validation, 0, 59999,
                   "number of training images to test on; 0: the test images");
    program.option("--data", program.options().data, data);
    program.take({"--batch-size", "--log-interval", "--save", "--resume"});
    program.take_device();
    program.option("--save-every", settings.save_every, 0, 1000000000,
                   "batches between two checkpoints; 0: one per epoch");
}
