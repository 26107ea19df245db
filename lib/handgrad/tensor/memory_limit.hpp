#pragma once
// Limits of the memory that this process may use, as `ulimit -v` and `ulimit -d` set them.

#include <cstddef>

namespace handgrad {

/// The memory that OpenBLAS takes for a buffer, in bytes: measured 128 MiB and 4 KiB, rounded up.
constexpr std::size_t blas_buffer_size = std::size_t{130} << 20;

/// Whether such a limit is set. The first call reads it.
bool memory_is_limited();

/// Whether the system would give the process `bytes` bytes more.
bool memory_is_left(std::size_t bytes);

} // namespace handgrad
