#pragma once
/// @file
/// Bytes that are read from the start to the end, plain or gzipped.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

struct z_stream_s; // zlib's state

namespace handgrad::data {

/// Reads bytes in memory once, from the start to the end. If they begin as a gzip file does, read() decompresses them,
/// never further than the caller asks for: a gzip bomb cannot fill the memory.
class ByteSource {
public:
    /// `bytes` must outlive the source. `name` is the file's name in messages.
    ByteSource(std::string_view bytes, std::string name);
    ~ByteSource();

    /// Reads the next `count` bytes into `out`, or all remaining bytes if there are fewer. Returns their number.
    /// Throws DataError if the gzip data are damaged, truncated, or followed by other bytes.
    std::size_t read(std::uint8_t* out, std::size_t count);

    bool is_gzip() const { return zlib_ != nullptr; }            ///< whether the bytes are gzipped
    std::uint64_t largest_size() const { return largest_size_; } ///< size after decompression, or an upper bound of it

private:
    std::string_view input_; // the bytes that have not been read
    std::string name_;
    std::uint64_t largest_size_;
    std::unique_ptr<z_stream_s> zlib_; // null for plain bytes
    bool ended_ = false;
};

} // namespace handgrad::data
