#pragma once
/// @file
/// Tensors in a file, in the format safetensors, which Python reads as well:
///
/// | bytes | what |
/// | --- | --- |
/// | 8 | n, the length of the header, little endian |
/// | n | the header: JSON, with blanks behind it |
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

/// The types of numbers that we read and write, those with the largest numbers first.
enum class Dtype {
    f64, ///< "F64": double
    i64, ///< "I64": std::int64_t
    f32, ///< "F32": float
    u8   ///< "U8": std::uint8_t
};

/// "F64", "I64", "F32", "U8".
std::string_view to_string(Dtype dtype);

/// The size of one number, in bytes.
std::size_t size_of(Dtype dtype);

/// The Dtype of a C++ type: double, std::int64_t, float, std::uint8_t.
template <class T> constexpr Dtype dtype_of();
template <> constexpr Dtype dtype_of<double>() { return Dtype::f64; }       ///< see above
template <> constexpr Dtype dtype_of<std::int64_t>() { return Dtype::i64; } ///< see above
template <> constexpr Dtype dtype_of<float>() { return Dtype::f32; }        ///< see above
template <> constexpr Dtype dtype_of<std::uint8_t>() { return Dtype::u8; }  ///< see above

/// A tensor as a file holds it.
struct StoredTensor {
    std::string name;  ///< "fc1.weight"
    Dtype dtype;       ///< what its numbers are
    Shape shape;       ///< () for a single number
    std::string bytes; ///< its numbers, little endian, row-major
};

/// What a file holds.
struct Safetensors {
    std::vector<StoredTensor> tensors;           ///< every name once
    std::map<std::string, std::string> metadata; ///< anything that is text; UTF-8
    /// The tensor of this name; null if there is none.
    const StoredTensor* find(std::string_view name) const;
};

/// A tensor, bit for bit, ready to be written. T: double, float, std::int64_t, std::uint8_t.
template <class T> StoredTensor stored(std::string name, const Tensor<T>& tensor);

/// The tensor, bit for bit. @throws DataError if its numbers are of another type than T
template <class T> Tensor<T> tensor_of(const StoredTensor& stored);

/// The file's bytes.
///
/// Tensors with larger numbers come first, so that all of them are aligned; otherwise they keep their order.
/// Metadata that is not UTF-8 is written with U+FFFD in place of the bytes that are none.
/// @throws ShapeError for two tensors of one name, one called "__metadata__", or one whose bytes do not fill its shape
std::string to_bytes(const Safetensors& file);

/// Reads what to_bytes() makes, and what other programs write in this format.
///
/// Everything is checked: the lengths, the JSON, each name, type, shape and range of bytes; every byte must belong to
/// exactly one tensor. NaN and infinity are numbers like any other. Bytes of any origin are safe to pass in.
/// @param bytes the whole file
/// @param name  how messages call it
/// @throws DataError in one line: "model.safetensors: tensor 'fc1.weight' has dtype F16, expected F64, I64, F32 or U8"
Safetensors parse_safetensors(std::string_view bytes, std::string_view name);

/// How large a file may be, unless a caller says otherwise: 4 GiB.
constexpr std::uint64_t largest_safetensors = std::uint64_t{1} << 32;

/// read_file() and parse_safetensors(). @throws DataError as they do
Safetensors read_safetensors(const std::filesystem::path& path, std::uint64_t largest = largest_safetensors);

/// Writes to_bytes() by write_file(): complete, on the disk, or not at all. @throws DataError, ShapeError
void write_safetensors(const std::filesystem::path& path, const Safetensors& file);

/// CRC-32 of everything that the file says: metadata (but for the key `except`), names, types, shapes and numbers. A
/// single flipped bit changes it, and so does any damage within 32 neighbouring bits. It does not depend on the
/// tensors' order, nor on how the header is written.
/// @param file   what is summed up
/// @param except a key of the metadata, so that the checksum can be kept in the file itself
std::uint32_t checksum(const Safetensors& file, std::string_view except);

} // namespace handgrad::io
