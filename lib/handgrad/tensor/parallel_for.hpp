#pragma once
// The loop that all kernels of the cpu backend share.

#include <cstddef>

#include "handgrad/tensor/parallel.hpp"

namespace handgrad {

namespace detail {
/// Calls call(body, i) once for every i < chunks, on several threads.
void run_on_threads(std::size_t chunks, void (*call)(const void* body, std::size_t i), const void* body);
} // namespace detail

/// Runs body(0), ..., body(chunks-1), on up to num_threads() threads; returns when all are done. The caller derives
/// `chunks` from the problem's size alone, and each chunk writes where no other does; so the result is the same for any
/// number of threads. Within a body, and beside another parallel_for, it runs its chunks one after another.
template <class Body> void parallel_for(std::size_t chunks, const Body& body) {
    const int threads = num_threads(); // asked for in any case: it keeps OpenBLAS to one thread
    if (chunks <= 1 || threads == 1) {
        for (std::size_t i = 0; i < chunks; ++i) { body(i); }
        return;
    }
    detail::run_on_threads(
        chunks, [](const void* b, std::size_t i) { (*static_cast<const Body*>(b))(i); }, &body);
}

/// Cuts `n` items into chunks of about `grain` items each, all but the last a multiple of `multiple`.
struct Chunks {
    std::size_t n, size, count;
    Chunks(std::size_t items, std::size_t grain, std::size_t multiple = 1)
        : n(items), size((grain + multiple - 1) / multiple * multiple), count(size ? (items + size - 1) / size : 0) {}
    std::size_t begin(std::size_t i) const { return i * size; }
    std::size_t length(std::size_t i) const { return i + 1 == count ? n - i * size : size; }
};

} // namespace handgrad
