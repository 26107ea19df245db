#pragma once
// Memory for intermediate results inside an operation: allocated once a thread, not once a call.

#include <cstddef>
#include <vector>

#include "handgrad/tensor/storage.hpp"

namespace handgrad {

/// At least n numbers, unspecified, of this thread: the same memory in every call with the same T and Purpose, so it is
/// overwritten by the next one. Aligned to 64 bytes.
/// @tparam Purpose any type, to keep two uses of one thread apart: `scratch<T, struct Transposed>(n)`
template <class T, class Purpose> T* scratch(std::size_t n) {
    thread_local std::vector<T, AlignedAllocator<T>> memory;
    if (memory.size() < n) { memory.resize(n); }
    return memory.data();
}

} // namespace handgrad
