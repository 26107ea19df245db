#pragma once
/// @file
/// IDX, the file format of MNIST: a header of big-endian numbers with type and shape, then the values.
///
/// | bytes | meaning |
/// | --- | --- |
/// | 0, 1 | zero |
/// | 2 | type of the values; only 0x08, unsigned byte, is supported |
/// | 3 | rank: the number of dimensions |
/// | 4 to 3 + 4 rank | the extents, 32 bits each, most significant byte first |
/// | the rest | the values, row-major |
///
/// Files may come from anywhere. Every number of the header is compared with the true size of the file before it is
/// used, and no more memory is allocated than that size justifies: a gzip file of 1 MB could expand to 1 GiB of zeros,
/// but images do not.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "handgrad/tensor/tensor.hpp"

namespace handgrad::data {

/// The content of an IDX file.
struct Idx {
    Shape shape;                     ///< the extents, outermost first
    std::vector<std::uint8_t> bytes; ///< the values, row-major; their number is the product of the extents
};

/// The largest number of values in an IDX file: 1 GiB, 20 times the images of MNIST.
constexpr std::uint64_t max_idx_bytes = std::uint64_t{1} << 30;

/// The largest number of values in a gzipped IDX file of `size` bytes: 100 for each byte, and 16 MiB. The images of
/// MNIST have 4.7 values for each byte.
constexpr std::uint64_t max_gzip_values(std::uint64_t size) { return 100 * size + (std::uint64_t{16} << 20); }

/// Checks the extents of an IDX file after its header was read and before memory is allocated for its values. Throws
/// DataError if they are wrong.
using ShapeCheck = std::function<void(const Shape& shape)>;

/// Reads IDX data, plain or gzipped, from memory.
/// @param data, size the whole content of the file
/// @param name name of the file in messages
/// @param rank expected number of dimensions: 3 for images (N, H, W), 1 for labels (N)
/// @throws DataError if the file is truncated or too long, or its magic number, type, rank, extents or gzip checksum
///         are wrong, or the header announces more values than max_idx_bytes or max_gzip_values allows
Idx parse_idx(const std::uint8_t* data, std::size_t size, const std::string& name, std::size_t rank);

/// Reads an IDX file, plain or gzipped; the first bytes tell which.
/// @param path a regular file
/// @param rank expected number of dimensions
/// @param check called with the extents of the header
/// @throws DataError as parse_idx, and if the file does not exist, is not a regular file, or cannot be read
Idx read_idx(const std::filesystem::path& path, std::size_t rank, const ShapeCheck& check = {});

} // namespace handgrad::data
