#pragma once
// ## Settings
//
// The chapter's own run takes seconds. The preset `full` is the run of the figures in the
// results. `--data` is a list of names, one a line, or a folder with the list of this book. Which
// letters there are depends on the list; their number is limited because a table of pairs has V
// times V entries.

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>

#include <handgrad/app/program.hpp>
#include <handgrad/data/text.hpp>
#include <handgrad/error.hpp>

#include "model.hpp"

struct Preset {
    std::size_t context, width, hidden; // T, C, M
    std::size_t batch, steps;
    double lr, decay;
};

inline Preset preset_of(const std::string& name) {
    if (name == "full") { return {8, 24, 300, 128, 30'000, 0.003, 0.05}; }
    return {5, 10, 200, 64, 12'000, 0.005, 0};
}

// An option that the user does not set has the value of the preset.
struct Settings {
    std::string preset = "small";
    LetterSizes sizes = {0, 0, 0, 0};
    std::size_t batch = 0, steps = 0;
    std::optional<double> lr, decay;
    std::size_t table_steps = 20'000;
    std::size_t names = 8;
    double temperature = 1;

    // No context is longer than the longest name, unless the user asks for it.
    void complete(std::size_t longest) {
        const Preset values = preset_of(preset);
        const auto take = [](std::size_t& option, std::size_t value) {
            if (option == 0) { option = value; }
        };
        take(sizes.context, std::min(values.context, longest));
        take(sizes.width, values.width);
        take(sizes.hidden, values.hidden);
        take(batch, values.batch);
        take(steps, values.steps);
        lr = lr.value_or(values.lr);
        decay = decay.value_or(values.decay);
    }
};

// ### The list of names
struct NameList {
    static constexpr std::size_t most_letters = 200; // of a vocabulary

    std::vector<std::string> names;
    handgrad::data::CharacterVocabulary letters;
    handgrad::data::Splits<std::vector<std::string>> parts;

    std::size_t longest() const { // letters of the longest name
        std::size_t longest = 0;
        for (const auto& name : names) {
            longest = std::max(longest, letters.encode(name).size());
        }
        return longest;
    }
    std::int64_t line_break() const { return letters.encode("\n")(0); }

    // Tokens as text, and a single letter as a picture shows it.
    std::string text(const std::vector<std::int64_t>& tokens) const {
        std::string result;
        for (const auto token : tokens) {
            result += letters.character(static_cast<std::size_t>(token));
        }
        return result;
    }
    std::string shown(std::size_t token) const {
        const std::string letter = letters.character(token);
        return letter == "\n" ? "." : letter;
    }
};

inline NameList read_names(const std::filesystem::path& data) {
    namespace text = handgrad::data;
    constexpr std::uint64_t seed = 42; // of the split, for all runs alike
    const auto path = std::filesystem::is_directory(data) || data.empty()
                          ? text::find_text("names", data)
                          : data;
    const std::string content = text::read_text(path), file = path.string();
    const auto names = text::lines_of(content, file);
    const text::CharacterVocabulary letters(content + "\n");
    if (letters.size() > NameList::most_letters) {
        throw handgrad::DataError(
            fmt::format("{}: {} different letters, expected at most {}", file,
                        letters.size(), NameList::most_letters));
    }
    return {names, letters, text::split_names(names, seed)};
}

// ### Options that do not fit
//
// A context longer than every name would see line breaks alone in its first places, and a network
// with too many parameters would not fit into the memory. Both are refused before anything is
// computed.
inline void require_fit(const LetterSizes& sizes, std::size_t longest) {
    using handgrad::UsageError;
    if (sizes.context > longest) {
        throw UsageError(fmt::format("--context {}: expected at most {}, the "
                                     "letters of the longest name",
                                     sizes.context, longest));
    }
    constexpr std::size_t most = 10'000'000;
    if (sizes.parameters() > most) {
        throw UsageError(fmt::format(
            "--context {}, --width {} and --hidden {} with {} letters make a "
            "network of {} parameters, expected at most {}",
            sizes.context, sizes.width, sizes.hidden, sizes.letters,
            sizes.parameters(), most));
    }
}

inline void offer_options(handgrad::app::Program& program, Settings& settings) {
    LetterSizes& sizes = settings.sizes;
    program.option("--preset", settings.preset, {"small", "full"},
                   "default values of the next seven options");
    program.option("--context", sizes.context, 0, 100,
                   "letters that the network sees, T; 0: the preset's");
    program.option("--width", sizes.width, 0, 1000,
                   "numbers for each letter, C; 0: the preset's");
    program.option("--hidden", sizes.hidden, 0, 10'000,
                   "hidden units, M; 0: the preset's");
    program.option("--batch", settings.batch, 0, 10'000,
                   "examples in a mini-batch, N; 0: the preset's");
    program.option("--steps", settings.steps, 0, 10'000'000,
                   "steps of training; 0: the preset's");
    program.option("--lr", settings.lr, 0, 100, "learning rate of the network",
                   "the preset's");
    program.option("--weight-decay", settings.decay, 0, 100,
                   "AdamW's decay of all parameters", "the preset's");
    program.option("--table-steps", settings.table_steps, 1, 1'000'000,
                   "steps of gradient descent on the table of pairs");
    program.option("--names", settings.names, 0, 1000,
                   "number of names that each model makes");
    program.option("--temperature", settings.temperature, 0.001, 100,
                   "divisor of the scores when the models make names");
    program.option("--data", program.options().data,
                   "a list of names, or the folder of names.txt");
}
