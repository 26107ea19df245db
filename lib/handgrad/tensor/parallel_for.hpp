#pragma once
// The loop that all kernels of the cpu backend share.

#include <cstddef>

#include "handgrad/tensor/parallel.hpp"

namespace handgrad {

namespace detail {
/// Calls call(body, i) once for every i < chunks, on several threads.
void run_on_threads(std::size_t chunks, void (*call)(const void* body, std::size_t i), const void* body);
} // namespace detail

/// Runs body(0), ..., body(chunks - 1) on up to num_threads() threads, and returns when all have ended. The caller
/// derives `chunks` from the size of the problem alone, and no two chunks write to the same memory; so the result is
/// the same for any number of threads. A parallel_for inside a body, or while another thread runs one, runs its chunks
/// one after another.
template <class Body> void parallel_for(std::size_t chunks, const Body& body) {
    const int threads = num_threads(); // always called: it limits OpenBLAS to one thread
    if (chunks <= 1 || threads == 1) {
        for (std::size_t i = 0; i < chunks; ++i) { body(i); }
        return;
    }
    detail::run_on_threads(
        chunks, [](const void* b, std::size_t i) { (*static_cast<const Body*>(b))(i); }, &body);
}

/// Divides `n` items into chunks of about `grain` items. The size of every chunk but the last is a multiple of
/// `multiple`.
struct Chunks {
    std::size_t n, size, count;
    Chunks(std::size_t items, std::size_t grain, std::size_t multiple = 1)
        : n(items), size((grain + multiple - 1) / multiple * multiple), count(size ? (items + size - 1) / size : 0) {}
    std::size_t begin(std::size_t i) const { return i * size; }
    std::size_t length(std::size_t i) const { return i + 1 == count ? n - i * size : size; }
};

} // namespace handgrad
