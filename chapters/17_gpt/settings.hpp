#pragma once
// ## Settings
//
// The chapter's own run takes seconds: two blocks of width 64 and windows of 32 characters. The preset
// `full` has nanoGPT's sizes for a CPU, four blocks of width 128 and windows of 64, and takes the 2,000
// steps of the figures in the results. The preset `long` takes 6,500 steps with the small model.

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>

#include <fmt/format.h>

#include <handgrad/app/program.hpp>
#include <handgrad/data/text.hpp>
#include <handgrad/error.hpp>

#include "model.hpp"
#include "sampling.hpp"

struct Preset {
    std::size_t layers, width, context; // sizes of the model
    std::size_t batch, steps;
    double lr;              // the largest
    std::size_t validation; // mini-batches
};

inline Preset preset_of(const std::string& name) {
    if (name == "full") { return {4, 128, 64, 12, 2000, 0.001, 100}; }
    if (name == "long") { return {2, 64, 32, 16, 6500, 0.005, 100}; }
    return {2, 64, 32, 16, 1000, 0.005, 20};
}

// An option that the user does not set has the value of the preset.
struct Settings {
    std::string preset = "small";
    GPTSizes sizes = {0, 0, 0, 0, 0, false}; // 0: as the preset says
    std::size_t batch = 0, steps = 0, validation = 0;
    std::optional<double> lr;
    std::size_t warmup = 100, save_every = 0;
    double decay = 0.1, clip = 1;
    double temperature = 0.8;
    std::size_t top_k = 10, characters = 300;
    bool no_cache = false;
    std::string prompt;
    std::filesystem::path prompt_file;
    std::filesystem::path weights, vocab, merges; // of GPT-2

    void complete() {
        if (!vocab.empty() || !merges.empty()) {
            throw handgrad::UsageError(
                "--vocab and --merges are GPT-2's: expected --weights, too");
        }
        const Preset values = preset_of(preset);
        if (sizes.layers == 0) { sizes.layers = values.layers; }
        if (sizes.width == 0) { sizes.width = values.width; }
        if (sizes.context == 0) { sizes.context = values.context; }
        if (sizes.heads == 0) { sizes.heads = 4; }
        if (batch == 0) { batch = values.batch; }
        if (steps == 0) { steps = values.steps; }
        if (validation == 0) { validation = values.validation; }
        lr = lr.value_or(values.lr);
        if (sizes.width % sizes.heads != 0) {
            throw handgrad::UsageError(
                fmt::format("--heads {} does not divide --width {}",
                            sizes.heads, sizes.width));
        }
    }
    Sampling sampling() const { return {temperature, top_k, !no_cache}; }
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

inline void offer_sizes(handgrad::app::Program& program, Settings& settings) {
    GPTSizes& sizes = settings.sizes;
    program.option("--preset", settings.preset, {"small", "long", "full"},
                   "default values of the next seven options");
    program.option("--layers", sizes.layers, 0, 100,
                   "number of blocks; 0: the preset's");
    program.option("--width", sizes.width, 0, 10000,
                   "channels of a token, C; 0: the preset's");
    program.option("--context", sizes.context, 0, 10000,
                   "tokens of a sequence, T; 0: the preset's");
    program.option("--batch", settings.batch, 0, 10000,
                   "sequences in a mini-batch, B; 0: the preset's");
    program.option("--steps", settings.steps, 0, 1000000,
                   "steps of training; 0: the preset's");
    program.option("--lr", settings.lr, 0, 10, "largest learning rate",
                   "the preset's");
    program.option("--validation", settings.validation, 0, 100000,
                   "mini-batches of a validation; 0: the preset's");
    program.option("--heads", sizes.heads, 0, 100,
                   "heads of a block; 0: 4, or as config.json says");
}

// The files of GPT-2. With them the program does not train.
inline void offer_files(handgrad::app::Program& program, Settings& settings) {
    program.option("--weights", settings.weights,
                   "write with GPT-2: its model.safetensors");
    program.option("--vocab", settings.vocab,
                   "GPT-2's vocab.json, if not beside its weights");
    program.option("--merges", settings.merges,
                   "GPT-2's merges.txt, if not beside its weights");
}

// The text to continue, from either option; empty if there is none.
inline std::string read_prompt(const Settings& settings) {
    if (settings.prompt_file.empty()) { return settings.prompt; }
    if (!settings.prompt.empty()) {
        throw handgrad::UsageError("--prompt and --prompt-file: expected one");
    }
    return handgrad::data::read_text(settings.prompt_file);
}

// Where the prompt is from, for messages.
inline std::string prompt_name(const Settings& settings) {
    return settings.prompt_file.empty() ? "--prompt"
                                        : settings.prompt_file.string();
}

inline void offer_options(handgrad::app::Program& program, Settings& settings) {
    offer_sizes(program, settings);
    program.option("--weight-decay", settings.decay, 0, 100,
                   "AdamW's decay of matrices");
    program.option("--temperature", settings.temperature, 1e-3, 100,
                   "divisor of the scores when it writes");
    program.option("--top-k", settings.top_k, 1, 100000,
                   "number of likeliest tokens among which it draws");
    program.option("--characters", settings.characters, 0, 100000,
                   "number of tokens that it writes: characters, or GPT-2's");
    program.flag("--no-cache", settings.no_cache,
                 "compute all tokens again for each new one");
    program.option("--prompt", settings.prompt, "text that it continues");
    program.option("--prompt-file", settings.prompt_file,
                   "file with a text that it continues");
    offer_files(program, settings);
    program.option("--data", program.options().data,
                   "a text file, or the folder of shakespeare.txt");
    program.take({"--save", "--resume"});
    program.take_device();
    program.option("--save-every", settings.save_every, 0, 1000000,
                   "steps between two checkpoints; 0: at each validation");
}
