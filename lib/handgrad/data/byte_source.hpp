#pragma once
/// @file
/// Where bytes come from, one piece after another: memory, a file, or either of them through gunzip.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

namespace handgrad::data {

/// A sequence of bytes that is read once, from the start to the end.
class ByteSource {
public:
    virtual ~ByteSource() = default;

    /// Reads the next `count` bytes, or as many as are left, into `out`. @returns how many
    virtual std::size_t read(std::uint8_t* out, std::size_t count) = 0;

    /// No more bytes than this are in the whole sequence, known before it is read.
    virtual std::uint64_t largest_size() const = 0;

    /// Whether there are exactly largest_size() of them.
    virtual bool size_is_exact() const = 0;
};

/// The bytes at `data`; gunzipped if they start as a gzip file does. `data` must stay as long as the source is used.
std::unique_ptr<ByteSource> open_memory(const std::uint8_t* data, std::size_t size, const std::string& name);

/// The bytes of the file; gunzipped if they start as a gzip file does.
/// @throws DataError if there is no such file, it is no regular file, or it cannot be read; read() throws the same,
///         also for gzip data that is damaged, cut off, or followed by anything
std::unique_ptr<ByteSource> open_file(const std::filesystem::path& path);

} // namespace handgrad::data
