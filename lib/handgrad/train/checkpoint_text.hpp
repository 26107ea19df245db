#pragma once
// What a checkpoint says in words: how the model, the optimiser and the run were set up.

#include <map>
#include <string>

#include "handgrad/tensor/random.hpp"
#include "handgrad/train/checkpoint_file.hpp"

namespace handgrad::train {

/// Metadata key of the random stream's state.
constexpr const char* random_key = "handgrad.random";

/// Texts that a saved and a resumed run must have the same.
struct RunTexts {
    std::string model, optimizer, data;
    std::map<std::string, std::string> options;
};

/// The texts as a file's metadata.
std::map<std::string, std::string> to_metadata(const RunTexts& texts);

/// Refuses a file that was saved with another value for one of these options.
void require_same_options(const CheckpointFile& file, const std::map<std::string, std::string>& options);

/// Refuses a file whose model, optimiser or training data are others, or that has an option that we have not, or the
/// other way round.
void require_same_texts(const CheckpointFile& file, const RunTexts& texts);

/// Puts `random` where the saved stream was. @returns whether there is one; that must be as `wanted`.
bool take_random(const CheckpointFile& file, bool wanted, Random& random);

} // namespace handgrad::train
