#include "handgrad/data/token_loader.hpp"

#include <algorithm>
#include <limits>

#include <fmt/format.h>
#include <zlib.h>

#include "handgrad/error.hpp"
#include "handgrad/tensor/philox.hpp"

namespace handgrad::data {
namespace {

/// The purpose of the random numbers (philox.hpp), far from those of the dropout layers, which count from 0.
constexpr std::uint32_t sampling_purpose = 0x80000001;

std::uint32_t crc_of(std::uint32_t before, const Labels& tokens) {
    return static_cast<std::uint32_t>(
        crc32_z(before, reinterpret_cast<const Bytef*>(tokens.data()), tokens.size() * sizeof(std::int64_t)));
}

} // namespace

Contexts::Contexts(const std::vector<std::string>& names, const CharacterVocabulary& vocabulary, std::size_t k) {
    require_at_least("Contexts", "k", k, 1);
    require_at_least("Contexts", "the number of names", names.size(), 1);
    const std::int64_t end = vocabulary.encode("\n").data()[0];
    std::vector<std::int64_t> padded, inputs, outputs;
    for (const std::string& name : names) {
        const Labels tokens = vocabulary.encode(name + "\n");
        padded.assign(k, end);
        padded.insert(padded.end(), tokens.data(), tokens.data() + tokens.size());
        for (std::size_t i = 0; i < tokens.size(); ++i) {
            const auto first = padded.begin() + static_cast<std::ptrdiff_t>(i);
            inputs.insert(inputs.end(), first, first + static_cast<std::ptrdiff_t>(k));
            outputs.push_back(padded[i + k]);
        }
    }
    resize(inputs_, {outputs.size(), k});
    resize(outputs_, {outputs.size()});
    std::copy(inputs.begin(), inputs.end(), inputs_.data());
    std::copy(outputs.begin(), outputs.end(), outputs_.data());
}

void Contexts::copy(std::size_t i, std::int64_t* input, std::int64_t* target) const {
    std::copy_n(inputs_.data() + i * length(), length(), input);
    *target = outputs_.data()[i];
}

std::uint32_t Contexts::checksum() const { return crc_of(crc_of(0, inputs_), outputs_); }

Windows::Windows(Labels tokens, std::size_t T) : tokens_(std::move(tokens)), length_(T) {
    require_at_least("Windows", "T", T, 1);
    if (tokens_.size() <= T) {
        throw ShapeError(fmt::format("Windows: the text has {} tokens, expected more than T = {}", tokens_.size(), T));
    }
}

void Windows::copy(std::size_t i, std::int64_t* input, std::int64_t* target) const {
    std::copy_n(tokens_.data() + i, length_, input);
    std::copy_n(tokens_.data() + i + 1, length_, target);
}

std::uint32_t Windows::checksum() const {
    const std::uint64_t length = length_;
    return crc_of(static_cast<std::uint32_t>(crc32_z(0, reinterpret_cast<const Bytef*>(&length), sizeof length)),
                  tokens_);
}

std::size_t drawn_example(std::uint64_t seed, std::uint32_t step, std::size_t b, std::size_t size) {
    if (size == 0 || size > std::uint64_t{1} << 32) {
        throw ShapeError(fmt::format("TokenLoader: {} examples, expected 1 to 2^32", size));
    }
    return static_cast<std::size_t>(random_bits(seed, sampling_purpose, step, b) * std::uint64_t{size} >> 32);
}

std::size_t detail::batches_of(const TokenExamples& examples, const TokenLoaderOptions& options) {
    require_at_least("TokenLoader", "batch_size", options.batch_size, 1);
    require_at_least("TokenLoader", "the number of examples", examples.size(), 1);
    if (options.batches_per_epoch > 0) { return options.batches_per_epoch; }
    return (examples.size() + options.batch_size - 1) / options.batch_size;
}

void detail::require_position(LoaderState state, std::size_t batches) {
    if (state.batch >= batches) {
        throw DataError(
            fmt::format("TokenLoader: cannot resume at batch {}, expected 0 to {}", state.batch, batches - 1));
    }
    if (state.epoch > std::numeric_limits<std::uint32_t>::max() / batches) {
        throw DataError(
            fmt::format("TokenLoader: cannot resume at epoch {}, expected less than 2^32 batches in all", state.epoch));
    }
}

} // namespace handgrad::data
