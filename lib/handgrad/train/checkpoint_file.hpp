#pragma once
// A checkpoint's file, apart from the backends: what it must have in common with the run that goes on from it.

#include <filesystem>
#include <string>
#include <vector>

#include "handgrad/io/safetensors.hpp"
#include "handgrad/tensor/tensor.hpp"

namespace handgrad::train {

constexpr const char* option_prefix = "option.";      ///< of the metadata's keys for the run's options
constexpr const char* random_key = "handgrad.random"; ///< key of the random stream's state

/// A file that was read. Every function throws DataError in one line that begins with the file's name.
class CheckpointFile {
public:
    /// Compares the checksum, if there is one, and gives the tensors of a file of version 1 their names of today.
    CheckpointFile(std::string name, io::Safetensors contents);

    /// Refuses a file that is no checkpoint of a known version, or whose texts and tensors are not those of `expected`.
    /// The lists of the history may have any length, the state of a parameter shape (0,), the random stream any state.
    void require_run(const io::Safetensors& expected) const;
    /// Refuses a file that has not the tensors of `expected`, as F32 or F64, or others but those of a run.
    void require_weights(const io::Safetensors& expected) const;

    /// A text of the metadata. Empty if there is none.
    std::string text(const std::string& key) const;
    /// A tensor that is there, converted to T. Its numbers must be finite.
    template <class T> Tensor<T> tensor(const std::string& name) const;
    /// A list that is there, of double or std::size_t. @param count the length that it must have
    template <class T> std::vector<T> list(const std::string& name, std::size_t count = any) const;

    /// Throws DataError: "run.safetensors: what".
    [[noreturn]] void fail(const std::string& what) const;

private:
    static constexpr auto any = static_cast<std::size_t>(-1);
    void require_text(const std::string& key, const io::Safetensors& expected) const;
    void require_tensors(const io::Safetensors& expected, bool weights) const;

    std::string name_;
    io::Safetensors contents_;
};

/// Whether a tensor of this name belongs to a run, not to its model.
bool belongs_to_run(const std::string& name);

/// Adds version and checksum, and writes the file. @throws DataError if a number is not finite, or writing fails
void write_checkpoint(const std::filesystem::path& path, io::Safetensors contents);

} // namespace handgrad::train
