#pragma once
// Batches made on the device.

#include <cstddef>
#include <cstdint>

namespace handgrad::device {

/// Makes a batch of n images of a data set that lies on the device: image b of it is image order[b] of the data set,
/// images[b, i] = table[bytes[order[b], i]], labels[b] = all_labels[order[b]]. All pointers are into the device's memory.
/// @tparam T float or double
template <class T> void gather(const std::uint8_t* bytes, const std::int64_t* all_labels, const std::uint32_t* order,
                               std::size_t n, std::size_t pixels, const T* table, T* images, std::int64_t* labels);

} // namespace handgrad::device
