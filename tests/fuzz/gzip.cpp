// Gzip. The bytes are unpacked as they are; and once more as bare deflate data, with the header, checksum and length
// around them that make a good gzip file of them, since no fuzzer guesses a checksum.

#include <algorithm>

#include <zlib.h>

#include "fuzz.hpp"
#include "handgrad/data/byte_source.hpp"
#include "handgrad/error.hpp"

using namespace handgrad;
using namespace fuzz;

namespace {

constexpr std::size_t most = std::size_t{1} << 16; // a bomb is not unpacked to its end

/// All of a source's bytes, but not many more than `most`, read in pieces of this size.
Bytes read_all(data::ByteSource& source, std::size_t piece) {
    Bytes bytes;
    for (std::size_t got = piece; got == piece && bytes.size() < most;) {
        const std::size_t done = bytes.size();
        bytes.resize(done + piece);
        got = source.read(bytes.data() + done, piece);
        require(got <= piece, "no more is read than was asked for");
        bytes.resize(done + got);
    }
    return bytes;
}

bool unpacks(const std::uint8_t* data, std::size_t size, std::size_t piece, Bytes& bytes) {
    try {
        data::ByteSource source({reinterpret_cast<const char*>(data), size}, "file");
        bytes = read_all(source, piece);
        return true;
    } catch (const DataError& error) {
        require_one_line(error.what(), "file: ");
        return false;
    }
}

/// What zlib makes of bare deflate data; false unless they end exactly at their end.
bool inflates(const std::uint8_t* data, std::size_t size, Bytes& bytes) {
    z_stream z{};
    require(inflateInit2(&z, -MAX_WBITS) == Z_OK, "zlib begins");
    bytes.resize(most);
    z.next_in = const_cast<std::uint8_t*>(data);
    z.avail_in = static_cast<uInt>(size);
    z.next_out = bytes.data();
    z.avail_out = static_cast<uInt>(most);
    const bool whole = inflate(&z, Z_FINISH) == Z_STREAM_END && z.avail_in == 0;
    bytes.resize(z.total_out);
    inflateEnd(&z);
    return whole;
}

/// A gzip file of deflate data: header, data, CRC-32 and length.
Bytes gzip_of(const std::uint8_t* data, std::size_t size, const Bytes& unpacked) {
    Bytes file{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3};
    file.insert(file.end(), data, data + size);
    const auto crc = static_cast<std::uint32_t>(crc32_z(0, unpacked.data(), unpacked.size()));
    for (const std::uint32_t word : {crc, static_cast<std::uint32_t>(unpacked.size())}) {
        for (const int shift : {0, 8, 16, 24}) { file.push_back(static_cast<std::uint8_t>(word >> shift)); }
    }
    return file;
}

} // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Bytes at_once, in_pieces;
    const bool good = unpacks(data, size, most, at_once);
    require(unpacks(data, size, 7, in_pieces) == good || at_once.size() >= most, "the size of pieces does not matter");
    if (good && at_once.size() < most) { require(at_once == in_pieces, "nor for what is read"); }

    Bytes expected, got;
    if (!inflates(data, size, expected) || expected.size() >= most) { return 0; }
    Bytes file = gzip_of(data, size, expected);
    require(unpacks(file.data(), file.size(), 1000, got) && got == expected, "what zlib unpacks, we unpack");
    for (const std::size_t back : {std::size_t{1}, std::size_t{5}}) { // length, checksum
        file[file.size() - back] ^= 0x10;
        require(!unpacks(file.data(), file.size(), 1000, got), "a wrong checksum or length is refused");
        file[file.size() - back] ^= 0x10;
    }
    file.pop_back();
    require(!unpacks(file.data(), file.size(), 1000, got), "a file without its end is refused");
    return 0;
}
