#pragma once
// Gathers batches on the device.

#include <cstddef>
#include <cstdint>

namespace handgrad::device {

/// Gathers a batch of n images from a data set in the memory of the device. Image b of the batch is image order[b] of
/// the data set: images[b, i] = table[bytes[order[b], i]], labels[b] = all_labels[order[b]]. All pointers point to the
/// memory of the device.
/// @tparam T float or double
template <class T> void gather(const std::uint8_t* bytes, const std::int64_t* all_labels, const std::uint32_t* order,
                               std::size_t n, std::size_t pixels, const T* table, T* images, std::int64_t* labels);

} // namespace handgrad::device
