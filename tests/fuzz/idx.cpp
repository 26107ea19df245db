// IDX files, plain and gzipped. The first byte chooses how many dimensions are asked for, 1 to 4; the rest is the file.

#include "handgrad/data/idx.hpp"
#include "fuzz.hpp"
#include "handgrad/error.hpp"
#include "support/gzip.hpp"

using namespace handgrad;
using namespace fuzz;

namespace {

/// What a file holds; an empty shape if it is refused.
data::Idx parsed(const std::uint8_t* file, std::size_t size, std::size_t rank) {
    try {
        data::Idx idx = data::parse_idx(file, size, "file", rank);
        std::size_t values = 1;
        for (const std::size_t extent : idx.shape) { values *= extent; }
        require(idx.shape.size() == rank, "a file that is read has the rank that was asked for");
        require(values == idx.bytes.size(), "a file that is read has all of its values");
        return idx;
    } catch (const DataError& error) {
        require_one_line(error.what(), "file: ");
        return {};
    }
}

} // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) { return 0; }
    const std::size_t rank = data[0] % 4 + 1;
    const std::uint8_t* const file = data + 1;
    const data::Idx idx = parsed(file, size - 1, rank);
    const bool packed = size > 2 && file[0] == 0x1f && file[1] == 0x8b;
    if (packed) { return 0; }

    if (!idx.shape.empty()) {
        const std::size_t header = 4 + 4 * rank;
        require(size - 1 == header + idx.bytes.size(), "a plain file that is read has no byte too many or too few");
        require(Bytes(file + header, file + size - 1) == idx.bytes, "values are the bytes behind the header");
    }
    // Gzipped, the same file must have the same fate.
    const Bytes zipped = support::gzip(Bytes(file, file + size - 1));
    const data::Idx again = parsed(zipped.data(), zipped.size(), rank);
    require(again.shape == idx.shape && again.bytes == idx.bytes, "gzip changes nothing");
    return 0;
}
