#include "handgrad/data/idx.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "handgrad/data/byte_source.hpp"
#include "handgrad/error.hpp"
#include "handgrad/io/file.hpp"

namespace handgrad::data {
namespace {

// The extents and their product, which cannot overflow: every factor is below 2^32, and the product is kept below 2^30.
struct Header {
    Shape shape;
    std::uint64_t values;
};

Header read_header(ByteSource& source, const std::string& name, std::size_t rank) {
    std::array<std::uint8_t, 4> word{};
    const auto read_word = [&](const char* what) {
        const std::size_t found = source.read(word.data(), word.size());
        if (found != word.size()) {
            throw DataError(fmt::format("{}: the file ends within the {}, expected a header of {} bytes", name, what,
                                        4 + 4 * rank));
        }
    };

    read_word("magic number");
    if (word[0] != 0 || word[1] != 0) {
        throw DataError(
            fmt::format("{}: starts with bytes {:02x} {:02x}, expected 00 00 (no IDX file)", name, word[0], word[1]));
    }
    if (word[2] != 0x08) {
        throw DataError(fmt::format("{}: values have IDX type 0x{:02x}, expected 0x08 (unsigned byte)", name, word[2]));
    }
    if (word[3] != rank) { throw DataError(fmt::format("{}: has {} dimensions, expected {}", name, word[3], rank)); }

    Header header{{}, 1};
    for (std::size_t i = 0; i < rank; ++i) {
        read_word("extents");
        const std::uint32_t extent = std::uint32_t{word[0]} << 24 | std::uint32_t{word[1]} << 16 |
                                     std::uint32_t{word[2]} << 8 | std::uint32_t{word[3]};
        header.shape.push_back(extent);
        header.values *= extent;
        if (header.values > max_idx_bytes) {
            throw DataError(
                fmt::format("{}: the header announces more than {} values, the most that this reader accepts", name,
                            max_idx_bytes));
        }
    }
    return header;
}

Idx read(ByteSource& source, std::size_t size, const std::string& name, std::size_t rank,
         const ShapeCheck& check = {}) {
    const Header header = read_header(source, name, rank);
    if (check) { check(header.shape); }
    const std::uint64_t expected = 4 + 4 * rank + header.values;
    const std::uint64_t largest = source.largest_size();
    if (expected > largest || (!source.is_gzip() && expected != largest)) {
        throw DataError(fmt::format("{}: the file has {}{} bytes, expected {} (header {}, values {})", name,
                                    source.is_gzip() ? "at most " : "", largest, expected, to_string(header.shape),
                                    header.values));
    }

    require<DataError>(!source.is_gzip() || header.values <= max_gzip_values(size),
                       "{}: the header of the {} gzipped bytes promises {} values, expected at most {}", name, size,
                       header.values, max_gzip_values(size));

    // A gzip file may hold less than its header says. Read a megabyte at first, then double the size each time, so that
    // memory grows only with the data found. The size of a plain file is known to be right: one read takes all of it.
    const auto values = static_cast<std::size_t>(header.values);
    const std::size_t first_piece = source.is_gzip() ? std::size_t{1} << 20 : values;
    Idx idx{header.shape, {}};
    while (idx.bytes.size() < values) {
        const std::size_t done = idx.bytes.size();
        const std::size_t piece = std::min(values - done, std::max(done, first_piece));
        idx.bytes.reserve(done + piece); // resize() alone would allocate more
        idx.bytes.resize(done + piece);
        const std::size_t found = source.read(idx.bytes.data() + done, piece);
        if (found != piece) {
            throw DataError(fmt::format("{}: the file ends after {} values, expected {}", name, done + found, values));
        }
    }
    std::uint8_t more = 0; // reading one byte more also makes gunzip compare its checksum
    if (source.read(&more, 1) != 0) {
        throw DataError(fmt::format("{}: the file continues after the {} values of its header", name, header.values));
    }
    return idx;
}

} // namespace

Idx parse_idx(const std::uint8_t* data, std::size_t size, const std::string& name, std::size_t rank) {
    ByteSource source({reinterpret_cast<const char*>(data), size}, name);
    return read(source, size, name, rank);
}

Idx read_idx(const std::filesystem::path& path, std::size_t rank, const ShapeCheck& check) {
    const std::string bytes = io::read_file(path, max_idx_bytes + 4 + 4 * rank);
    ByteSource source(bytes, path.string());
    return read(source, bytes.size(), path.string(), rank, check);
}

} // namespace handgrad::data
