#pragma once
/// @file
/// From bytes to numbers, as torchvision.transforms does it.

#include <cstddef>
#include <cstdint>
#include <variant>
#include <vector>

namespace handgrad::data {

/// x = byte / 255: pixels from 0 to 1. Must be the first step; the others take numbers.
struct ToTensor {};

/// y = (x - mean) / std.
struct Normalize {
    double mean; ///< subtracted from every pixel; 0.1307 for MNIST
    double std;  ///< divides every pixel, not 0; 0.3081 for MNIST
};

/// Steps that apply() applies in order, as torchvision's Compose: ToTensor, then any number of Normalize.
using Transforms = std::vector<std::variant<ToTensor, Normalize>>;

/// Throws ShapeError if the steps are not ToTensor and then Normalize, a mean or std is not finite, or a std is 0.
void require_valid(const Transforms& transforms);

/// Applies the steps to bytes, in the arithmetic of T; for float the results are bit for bit those of torchvision.
///
/// It divides: a multiplication by the reciprocal would be faster but would round differently. (A table of the 256
/// possible results gives the same bits, but SIMD division of 8 or 16 numbers is faster than 8 or 16 look-ups.)
/// @param transforms valid steps
/// @param bytes, count the bytes to transform
/// @param out `count` numbers, overwritten
template <class T> void apply(const Transforms& transforms, const std::uint8_t* bytes, std::size_t count, T* out);

extern template void apply<float>(const Transforms&, const std::uint8_t*, std::size_t, float*);
extern template void apply<double>(const Transforms&, const std::uint8_t*, std::size_t, double*);

} // namespace handgrad::data
