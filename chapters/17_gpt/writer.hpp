#pragma once
// ## Writing with GPT-2
//
// GPT-2's tokens are pieces of words, and the two files `vocab.json` and `merges.txt` define them. A
// text is split into words, and each word begins as its single bytes. Then the pair of neighbours that
// comes first in `merges.txt` is joined, again and again, until no pair of the word is in the list
// (byte-pair encoding). Frequent words become one token, rare ones several, and no text is without
// tokens, because every byte is one. All the rest is as before: scores, temperature, top-k, a draw.

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <string>

#include <fmt/format.h>

#include <handgrad/app/program.hpp>
#include <handgrad/data/byte_pair.hpp>
#include <handgrad/data/text.hpp>
#include <handgrad/error.hpp>

#include "cache.hpp"
#include "gpt2.hpp"
#include "settings.hpp"

// The files of the tokens are beside the weights, unless options say otherwise.
inline handgrad::data::BytePairVocabulary
read_vocabulary(const Settings& settings, const GPTSizes& sizes) {
    const auto file = [&](std::filesystem::path given, const char* name) {
        if (given.empty()) { given = settings.weights.parent_path() / name; }
        return given;
    };
    const auto vocab = file(settings.vocab, "vocab.json");
    auto vocabulary = handgrad::data::read_byte_pairs(
        vocab, file(settings.merges, "merges.txt"));
    handgrad::require<handgrad::DataError>(
        vocabulary.size() == sizes.vocabulary,
        "{}: {} tokens, expected {}, the rows of wte.weight in {}",
        vocab.string(), vocabulary.size(), sizes.vocabulary,
        settings.weights.string());
    return vocabulary;
}

// "To| be|,": the text of each token.
inline std::string
shown_tokens(const handgrad::data::BytePairVocabulary& vocabulary,
             const handgrad::Labels& tokens) {
    constexpr std::size_t most = 20;
    std::string text;
    for (std::size_t i = 0; i < std::min(tokens.size(), most); ++i) {
        const handgrad::Labels one{tokens(i)};
        text += (i > 0 ? "|" : "") + vocabulary.decode(one);
    }
    std::replace(text.begin(), text.end(), '\n', ' ');
    return handgrad::data::printable_text(text) +
           (tokens.size() > most ? "|..." : "");
}

template <class Backend> void write_with_gpt2(handgrad::app::Program& program,
                                              const Settings& settings) {
    const auto& options = program.options();
    if (!options.save.empty() || !options.resume.empty()) {
        throw handgrad::UsageError(
            "--weights does not train: expected no --save and no --resume");
    }
    const std::string text = read_prompt(settings);
    if (text.empty()) {
        throw handgrad::UsageError("--weights needs a text to continue: "
                                   "expected --prompt or --prompt-file");
    }
    const gpt2::Weights weights(settings.weights, settings.sizes.heads);
    const GPTSizes& sizes = weights.sizes();
    const auto vocabulary = read_vocabulary(settings, sizes);
    const auto prompt = vocabulary.encode(text, prompt_name(settings));

    Random random(options.seed);
    GPT<Backend> model(sizes, random);
    weights.load_into(model);
    fmt::print("{} parameters: {} blocks of width {} with {} heads, a "
               "vocabulary of {} tokens, a context of {}\n",
               model.parameter_count(), sizes.layers, sizes.width, sizes.heads,
               sizes.vocabulary, sizes.context);
    fmt::print("The text has {} tokens: {}\n", prompt.size(),
               shown_tokens(vocabulary, prompt));

    const Writing all = continued(model, prompt, settings.characters,
                                  settings.sampling(), random);
    const auto written =
        handgrad::data::printable_text(vocabulary.decode(all.tokens));
    show_writing(written, settings.characters, all.seconds,
                 settings.sampling());
    program.result("tokens", all.tokens);
    program.result("text", written);
}
