#pragma once
// Gzip files for tests.

#include <stdexcept>

#include <zlib.h>

namespace support {

/// The bytes as a gzip file. Bytes: a std::string or a std::vector<std::uint8_t>.
template <class Bytes> Bytes gzip(const Bytes& plain) {
    z_stream z{};
    const int memory = 1; // the minimum: fuzzers pack thousands of files a second, and zlib clears the table each time
    if (deflateInit2(&z, 9, Z_DEFLATED, 16 + MAX_WBITS, memory, Z_DEFAULT_STRATEGY) != Z_OK) {
        throw std::runtime_error("zlib does not begin");
    }
    Bytes packed(deflateBound(&z, static_cast<uLong>(plain.size())), typename Bytes::value_type(0));
    z.next_in = reinterpret_cast<Bytef*>(const_cast<typename Bytes::value_type*>(plain.data()));
    z.avail_in = static_cast<uInt>(plain.size());
    z.next_out = reinterpret_cast<Bytef*>(packed.data());
    z.avail_out = static_cast<uInt>(packed.size());
    const bool whole = deflate(&z, Z_FINISH) == Z_STREAM_END;
    packed.resize(z.total_out);
    deflateEnd(&z);
    if (!whole) { throw std::runtime_error("zlib does not pack all bytes"); }
    return packed;
}

} // namespace support
