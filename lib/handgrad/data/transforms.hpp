#pragma once
/// @file
/// From bytes to numbers, as torchvision.transforms does it.

#include <cstddef>
#include <cstdint>
#include <variant>
#include <vector>

#include "handgrad/data/augmentation.hpp"

namespace handgrad::data {

/// x = byte / 255: pixels from 0 to 1. The steps before it move bytes, those after it take numbers.
struct ToTensor {};

/// y = (x - mean) / std.
struct Normalize {
    double mean; ///< subtracted from every pixel; 0.1307 for MNIST
    double std;  ///< divides every pixel, not 0; 0.3081 for MNIST
};

/// Steps that a loader applies in order, as torchvision's Compose: any number of random steps, which move pixels
/// (augmentation.hpp); ToTensor; then any number of Normalize. The zeros of a random step are black pixels, which Normalize
/// changes like any other.
using Transforms = std::vector<std::variant<ToTensor, Normalize, RandomCrop, RandomShift, RandomHorizontalFlip>>;

/// Throws ShapeError if the steps are not random steps, ToTensor and then Normalize, or a mean or std is not finite, or a
/// std is 0.
void require_valid(const Transforms& transforms);

/// Throws as the other form, and if a random step is not possible for images of this size.
void require_valid(const Transforms& transforms, Size2d image);

/// The steps without the random ones: for tests, and for the validation set.
Transforms without_augmentation(const Transforms& transforms);

/// Whether there is a random step.
bool has_augmentation(const Transforms& transforms);

/// H, W of the results for images of this size. RandomCrop changes it.
Size2d output_size(const Transforms& transforms, Size2d image);

/// The part of an image that is left after the random steps.
/// @param transforms valid steps @param image H, W @param counter seed, epoch and number of the image
ImageWindow augmented_window(const Transforms& transforms, Size2d image, const AugmentationCounter& counter);

/// Applies ToTensor and what follows to bytes, in the arithmetic of T; for float the results are bit for bit those of
/// torchvision. The random steps are not applied: see augmented_window().
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
