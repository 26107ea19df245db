#pragma once
/// @file
/// Tensors in a file, in the safetensors format, which Python reads as well:
///
/// | bytes | content |
/// | --- | --- |
/// | 8 | n, the length of the header, little endian |
/// | n | the header: JSON, padded with spaces |
/// | the rest | the tensors' numbers, little endian, row-major, without gaps; data_offsets count from here |
///
/// A header:
/// ```json
/// {"__metadata__": {"key": "text"}, "fc1.weight": {"dtype": "F32", "shape": [784, 100], "data_offsets": [0, 313600]}}
/// ```
/// A file:
/// @snippet files.cpp safetensors
/// Source: the format's description in the repository of Hugging Face's safetensors.

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "handgrad/tensor/tensor.hpp"

namespace handgrad::io {

/// Types of numbers that are read and written, in order of decreasing size.
enum class Dtype {
    f64, ///< "F64": double
    i64, ///< "I64": std::int64_t
    f32, ///< "F32": float
    u8   ///< "U8": std::uint8_t
};

std::string_view to_string(Dtype dtype); ///< "F64", "I64", "F32", "U8"
std::size_t size_of(Dtype dtype);        ///< size of one number in bytes

/// The Dtype of a C++ type: double, std::int64_t, float, std::uint8_t.
template <class T> constexpr Dtype dtype_of();
template <> constexpr Dtype dtype_of<double>() { return Dtype::f64; }       ///< see above
template <> constexpr Dtype dtype_of<std::int64_t>() { return Dtype::i64; } ///< see above
template <> constexpr Dtype dtype_of<float>() { return Dtype::f32; }        ///< see above
template <> constexpr Dtype dtype_of<std::uint8_t>() { return Dtype::u8; }  ///< see above

/// A tensor as a file stores it.
struct StoredTensor {
    std::string name;  ///< "fc1.weight"
    Dtype dtype;       ///< type of the numbers
    Shape shape;       ///< () for a single number
    std::string bytes; ///< the numbers, little endian, row-major
};

/// The content of a file.
struct Safetensors {
    std::vector<StoredTensor> tensors;                     ///< each with a name of its own
    std::map<std::string, std::string> metadata;           ///< any texts, in UTF-8
    const StoredTensor* find(std::string_view name) const; ///< the tensor of this name, or null
};

/// Copies a tensor bit for bit into the form that is written. T: double, float, std::int64_t, std::uint8_t.
template <class T> StoredTensor stored(std::string name, const Tensor<T>& tensor);
/// Copies a tensor back, bit for bit. @throws DataError if its numbers are not of type T
template <class T> Tensor<T> tensor_of(const StoredTensor& stored);

/// Returns the bytes of the file. Tensors with larger numbers come first, which aligns all numbers; otherwise they keep
/// their order. In metadata, bytes that are not UTF-8 are replaced by U+FFFD.
/// @throws ShapeError if two tensors have one name, one is called "__metadata__", or its bytes do not fill its shape
std::string to_bytes(const Safetensors& file);

/// Reads a file of this format. Bytes of any origin are safe: lengths, JSON, names, types, shapes and byte ranges are
/// checked, and every byte must belong to exactly one tensor. NaN and infinity are allowed.
/// @param bytes whole file
/// @param name  name of the file in messages
/// @throws DataError in one line: "model.safetensors: tensor 'fc1.weight' has dtype F16, expected F64, I64, F32 or U8"
Safetensors parse_safetensors(std::string_view bytes, std::string_view name);
constexpr std::uint64_t largest_safetensors = std::uint64_t{1} << 32; ///< largest size of a file by default: 4 GiB

/// Reads a file with read_file() and parse_safetensors(). @throws DataError as they do
Safetensors read_safetensors(const std::filesystem::path& path, std::uint64_t largest = largest_safetensors);
/// Writes to_bytes() with write_file(). @throws DataError, ShapeError as they do
void write_safetensors(const std::filesystem::path& path, const Safetensors& file);

/// Computes the CRC-32 of metadata, names, types, shapes and numbers. Any damage within 32 neighbouring bits changes
/// it. It depends neither on the order of the tensors nor on the layout of the header.
/// @param file   content of the file
/// @param except key of the metadata that is left out, so that the file itself can store the checksum
std::uint32_t checksum(const Safetensors& file, std::string_view except);

} // namespace handgrad::io
