#pragma once
// Memory for intermediate results inside an operation: allocated once in each thread, not in each call.

#include <cstddef>
#include <vector>

#include "handgrad/tensor/storage.hpp"

namespace handgrad {

/// Returns memory of this thread for at least n numbers with unspecified values, aligned to 64 bytes. Every call with
/// the same T and Purpose returns the same memory, so a call overwrites the numbers of the previous one.
/// @tparam Purpose any type, which distinguishes two uses in one thread: `scratch<T, struct Transposed>(n)`
template <class T, class Purpose> T* scratch(std::size_t n) {
    thread_local std::vector<T, AlignedAllocator<T>> memory;
    if (memory.size() < n) { memory.resize(n); }
    return memory.data();
}

} // namespace handgrad
