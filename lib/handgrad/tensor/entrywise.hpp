#pragma once
// Entrywise kernels over whole tensors: cut into chunks for the threads, each chunk in SIMD registers.

#include "handgrad/tensor/simd.hpp"
#include "parallel_for.hpp"

namespace handgrad::cpu {

/// Entries in a chunk: fewer are not worth waking a thread for. A multiple of every register's length.
inline constexpr std::size_t entrywise_grain = 262144;

/// y_i = f(x_i) for all i < n.
template <class T, class F> void entrywise(const T* x, T* y, std::size_t n, F f) {
    const Chunks chunks(n, entrywise_grain);
    parallel_for(chunks.count, [&](std::size_t i) {
        const std::size_t begin = chunks.begin(i);
        transform(x + begin, y + begin, chunks.length(i), f);
    });
}

/// z_i = f(x_i, y_i) for all i < n.
template <class T, class F> void entrywise(const T* x, const T* y, T* z, std::size_t n, F f) {
    const Chunks chunks(n, entrywise_grain);
    parallel_for(chunks.count, [&](std::size_t i) {
        const std::size_t begin = chunks.begin(i);
        transform(x + begin, y + begin, z + begin, chunks.length(i), f);
    });
}

} // namespace handgrad::cpu
