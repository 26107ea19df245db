#pragma once
// ## Settings
//
// The sizes are those of nanoGPT for a CPU: four layers of four heads, 128 channels, windows of 64
// characters, twelve of them in a mini-batch. The chapter's own run takes 160 steps; the preset
// `full` takes the 2,000 steps of the figures in the results.

#include <cstddef>
#include <filesystem>
#include <string>

#include <fmt/format.h>

#include <handgrad/app/program.hpp>
#include <handgrad/data/text.hpp>
#include <handgrad/error.hpp>

#include "model.hpp"

struct Settings {
    std::string preset = "small";
    GPTSizes sizes;
    std::size_t steps = 0, validation = 0; // 0: as the preset says
    std::size_t batch = 12, warmup = 100, save_every = 0;
    double lr = 1e-3, decay = 0.1, clip = 1;
    double temperature = 0.8;
    std::size_t top_k = 10, characters = 300;
    std::filesystem::path prompt;

    void complete() {
        const bool full = preset == "full";
        if (steps == 0) { steps = full ? 2000 : 160; }
        if (validation == 0) { validation = full ? 100 : 10; }
        if (sizes.width % sizes.heads != 0) {
            throw handgrad::UsageError(
                fmt::format("--heads {} does not divide --width {}",
                            sizes.heads, sizes.width));
        }
    }
    // Steps between two measurements of the validation loss.
    std::size_t interval() const { return steps < 8 ? 1 : steps / 8; }
};

// `--data` is a text file, or a folder that holds the text of the chapter.
inline std::string read_training_text(const std::filesystem::path& data) {
    namespace text = handgrad::data;
    if (std::filesystem::is_regular_file(data)) {
        return text::read_text(data);
    }
    return text::read_text(text::find_text("shakespeare", data));
}

inline void offer_sizes(handgrad::app::Program& program, GPTSizes& sizes) {
    program.option("--layers", sizes.layers, 1, 100, "number of blocks");
    program.option("--heads", sizes.heads, 1, 100, "heads of a block");
    program.option("--width", sizes.width, 1, 10000, "channels of a token, C");
    program.option("--context", sizes.context, 2, 10000,
                   "tokens of a sequence, T");
}

inline void offer_options(handgrad::app::Program& program, Settings& settings) {
    program.option("--preset", settings.preset, {"small", "full"},
                   "default values of the next two options");
    program.option("--steps", settings.steps, 0, 1000000,
                   "steps of training; 0: the preset's");
    program.option("--validation", settings.validation, 0, 100000,
                   "mini-batches of a validation; 0: the preset's");
    offer_sizes(program, settings.sizes);
    program.option("--batch", settings.batch, 1, 10000,
                   "sequences in a mini-batch, B");
    program.option("--lr", settings.lr, 0, 10, "largest learning rate");
    program.option("--weight-decay", settings.decay, 0, 100,
                   "AdamW's decay of matrices");
    program.option("--temperature", settings.temperature, 1e-3, 100,
                   "divisor of the scores when it writes");
    program.option("--top-k", settings.top_k, 1, 100000,
                   "number of likeliest tokens among which it draws");
    program.option("--characters", settings.characters, 0, 100000,
                   "number of characters that it writes");
    program.option("--prompt", settings.prompt,
                   "file with a text that it continues");
    program.option("--data", program.options().data,
                   "a text file, or the folder of shakespeare.txt");
    program.take({"--save", "--resume"});
    program.take_device();
    program.option("--save-every", settings.save_every, 0, 1000000,
                   "steps between two checkpoints; 0: at each validation");
}
