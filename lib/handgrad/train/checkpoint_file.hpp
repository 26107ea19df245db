#pragma once
// A checkpoint's file, without backends: reads it and compares it with the run that is to be resumed.

#include <filesystem>
#include <initializer_list>
#include <string>
#include <vector>

#include "handgrad/io/safetensors.hpp"
#include "handgrad/tensor/tensor.hpp"

namespace handgrad::train {

constexpr const char* option_prefix = "option.";            ///< start of the metadata keys of the run's options
constexpr const char* random_key = "handgrad.random";       ///< metadata key of the random stream's state
constexpr const char* data_key = "handgrad.data";           ///< metadata key of the training data's size and hash
constexpr const char* test_data_key = "handgrad.test_data"; ///< the same for the test data
constexpr const char* crc32_prefix = ", CRC-32 ";           ///< stands between size and hash; since version 3

/// The contents of a file. Every function throws DataError in one line that begins with the file's name.
class CheckpointFile {
public:
    /// Compares the checksum, if there is one. Renames the tensors of a file of version 1.
    CheckpointFile(std::string name, io::Safetensors contents);

    /// Throws unless this is a checkpoint of a known version with the texts and tensors of `expected`. The lists of the
    /// history may have any length, the state of a parameter shape (0,), the random stream any state. A file of version
    /// 1 need not have that state, files before version 3 need not know the hashes of the data.
    void require_run(const io::Safetensors& expected);
    /// Throws unless the file has the tensors of `expected`, as F32 or F64, and no others but those of a run.
    void require_weights(const io::Safetensors& expected) const;

    /// Returns a text of the metadata. Empty if there is none.
    std::string text(const std::string& key) const;
    /// Returns a tensor that the file has, converted to T. Throws if a number is not finite after that.
    template <class T> Tensor<T> tensor(const std::string& name) const;
    /// Returns a list that the file has, of double or std::size_t. Throws unless it has `count` numbers.
    template <class T> std::vector<T> list(const std::string& name, std::size_t count = any) const;

    /// Throws DataError: "run.safetensors: what".
    [[noreturn]] void fail(const std::string& what) const;

private:
    static constexpr auto any = static_cast<std::size_t>(-1);
    void require_text(const std::string& key, const io::Safetensors& expected) const;
    void require_data(const std::string& key, const std::string& got, std::string wanted) const;
    bool is_version(std::initializer_list<const char*> versions) const;
    void require_tensors(const io::Safetensors& expected, bool weights) const;

    std::string name_;
    io::Safetensors contents_;
};

/// Returns whether a tensor of this name belongs to a run, not to its model.
bool belongs_to_run(const std::string& name);

/// Adds version and checksum, and writes the file. @throws DataError if a number is not finite, or writing fails
void write_checkpoint(const std::filesystem::path& path, io::Safetensors contents);

} // namespace handgrad::train
