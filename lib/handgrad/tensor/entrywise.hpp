#pragma once
// Entrywise kernels over whole tensors: threads share the chunks, and SIMD registers the entries of a chunk.

#include "handgrad/tensor/simd.hpp"
#include "parallel_for.hpp"

namespace handgrad::cpu {

/// Number of entries in a chunk. Smaller chunks take less time than waking a thread. A multiple of every number of
/// lanes.
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
