#pragma once
// Gathers batches on the device.

#include <cstddef>
#include <cstdint>

#include "handgrad/ops/size2d.hpp"
#include "handgrad/tensor/image_window.hpp"

namespace handgrad::device {

/// The images of a batch, and where they and their labels go. All pointers here and below point to the memory of the
/// device.
template <class T> struct Batch {
    const std::uint32_t* order; ///< (n): image b of the batch is image order[b] of the data set
    std::size_t n;              ///< number of images
    T* images;                  ///< overwritten
    std::int64_t* labels;       ///< (n), overwritten
};

/// Gathers a batch from a data set in the memory of the device: images[b, i] = table[bytes[order[b], i]], labels[b] =
/// all_labels[order[b]]. An image has `pixels` bytes.
/// @tparam T float or double
template <class T> void gather(const std::uint8_t* bytes, std::size_t pixels, const std::int64_t* all_labels,
                               const T* table, const Batch<T>& batch);

/// Gathers windows of the images: image b of the batch is what windows[b] shows of image order[b], or table[0].
/// @param image H, W of the data set's images @param size H, W of the batch's images
template <class T> void gather(const std::uint8_t* bytes, Size2d image, const std::int64_t* all_labels,
                               const ImageWindow* windows, Size2d size, const T* table, const Batch<T>& batch);

} // namespace handgrad::device
