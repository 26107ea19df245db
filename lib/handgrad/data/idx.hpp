#pragma once
/// @file
/// IDX, the file format of MNIST: a few big-endian numbers that give type and shape, then the values.
///
/// | bytes | meaning |
/// | --- | --- |
/// | 0, 1 | zero |
/// | 2 | type of the values; 0x08, unsigned byte, is the only one that is read here |
/// | 3 | rank: the number of dimensions |
/// | 4 to 3 + 4 rank | the extents, 32 bits each, most significant byte first |
/// | the rest | the values, row-major |
///
/// Files come from strangers. No number in the header is believed before the true size of the file has been compared
/// with it, and no more memory is taken than that size justifies.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "handgrad/tensor/tensor.hpp"

namespace handgrad::data {

/// The content of an IDX file.
struct Idx {
    Shape shape;                     ///< the extents, outermost first
    std::vector<std::uint8_t> bytes; ///< the values, row-major: as many as the product of the extents
};

/// No IDX file with more values than this is read: 1 GiB, 20 times the images of MNIST.
constexpr std::uint64_t max_idx_bytes = std::uint64_t{1} << 30;

/// Reads IDX data, plain or gzipped, from memory.
/// @param data, size the whole content of the file
/// @param name what messages call it
/// @param rank the number of dimensions that it must have: 3 for images (N, H, W), 1 for labels (N)
/// @throws DataError if it is truncated or too long, or its magic number, type, rank, extents or gzip checksum are
///         wrong
Idx parse_idx(const std::uint8_t* data, std::size_t size, const std::string& name, std::size_t rank);

/// Reads an IDX file, plain or gzipped (which of the two, its first bytes tell).
/// @param path a regular file
/// @param rank the number of dimensions that it must have
/// @throws DataError as parse_idx, and if there is no such file, it is no regular file, or reading fails
Idx read_idx(const std::filesystem::path& path, std::size_t rank);

} // namespace handgrad::data
