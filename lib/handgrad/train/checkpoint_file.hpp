#pragma once
// A checkpoint's file, apart from the backends and from what is done with it.

#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "handgrad/io/safetensors.hpp"
#include "handgrad/tensor/tensor.hpp"

namespace handgrad::train {

/// A safetensors file that tensors are taken out of, one by one, until none is left. Every function throws DataError
/// in one line with the file's name in front.
class CheckpointFile {
public:
    /// Reads it, and compares the checksum if there is one.
    explicit CheckpointFile(const std::filesystem::path& path);

    /// The same for a file's bytes. `name` stands for its path in messages.
    CheckpointFile(std::string_view bytes, std::string name);

    /// Refuses a file that is no checkpoint, or one in a format that we do not know.
    void require_checkpoint() const;

    /// The text of a key of the metadata; null if there is none.
    const std::string* text(const std::string& key) const;

    /// All of the metadata.
    const std::map<std::string, std::string>& metadata() const { return file_.metadata; }

    /// Whether there is a tensor of this name.
    bool has(std::string_view name) const { return file_.find(name) != nullptr; }

    /// The tensor of this name, which must have this shape and the type T.
    template <class T> Tensor<T> take(const std::string& name, const Shape& shape);

    /// The same for numbers of type F32 or F64, converted to T; all of them must be finite.
    template <class T> Tensor<T> take_converted(const std::string& name, const Shape& shape);

    /// The values of a tensor of one dimension: double, finite; or std::size_t, read from I64.
    template <class T> std::vector<T> take_values(const std::string& name);

    /// The same, as many as `count`.
    template <class T> std::vector<T> take_values(const std::string& name, std::size_t count);

    /// Refuses a file with a tensor that was not taken and that `ignored` does not hold for.
    void require_nothing_else(bool (*ignored)(std::string_view)) const;

    /// DataError: "run.safetensors: what".
    [[noreturn]] void fail(const std::string& what) const;

private:
    CheckpointFile(std::string name, io::Safetensors file);

    const io::StoredTensor& named(const std::string& name);
    const io::StoredTensor& shaped(const std::string& name, const Shape& shape);

    std::string path_;
    io::Safetensors file_;
    std::set<std::string, std::less<>> taken_;
};

/// "holds nan at entry 3, expected finite numbers" for the first number of a tensor that is none; otherwise nothing.
template <class T> std::string not_finite(const Tensor<T>& tensor);

/// Whether a tensor of this name belongs to a run, not to its model.
bool belongs_to_run(std::string_view name);

/// Adds the format's version and the checksum to the metadata, and writes the file.
void write_checkpoint(const std::filesystem::path& path, io::Safetensors file);

} // namespace handgrad::train
