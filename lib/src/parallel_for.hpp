#pragma once
// The loop that all kernels of the cpu backend share.

#include <cstddef>

#include "handgrad/parallel.hpp"

namespace handgrad {

/// Runs body(0), ..., body(chunks-1), on num_threads() threads. The caller derives `chunks` from the problem's size
/// alone; each chunk writes where no other does.
template <class Body> void parallel_for(std::size_t chunks, const Body& body) {
    const int threads = num_threads();
    if (chunks <= 1 || threads == 1) {
        for (std::size_t i = 0; i < chunks; ++i) { body(i); }
        return;
    }
    const auto n = static_cast<std::ptrdiff_t>(chunks);
#pragma omp parallel for num_threads(threads) schedule(static)
    for (std::ptrdiff_t i = 0; i < n; ++i) { body(static_cast<std::size_t>(i)); }
}

/// Cuts `n` items into chunks of about `grain` items each, all but the last a multiple of `multiple`.
struct Chunks {
    std::size_t n, size, count;
    Chunks(std::size_t items, std::size_t grain, std::size_t multiple = 1)
        : n(items), size((grain + multiple - 1) / multiple * multiple), count((items + size - 1) / size) {}
    std::size_t begin(std::size_t i) const { return i * size; }
    std::size_t length(std::size_t i) const { return i + 1 == count ? n - i * size : size; }
};

} // namespace handgrad
