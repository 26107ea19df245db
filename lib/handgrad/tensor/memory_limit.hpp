#pragma once
// Limits of the memory that this process may use, as `ulimit -v` and `ulimit -d` set them.

#include <cstddef>

namespace handgrad {

/// Whether such a limit is set. The first call reads it.
bool memory_is_limited();

/// Whether the system would give the process `bytes` bytes more.
bool memory_is_left(std::size_t bytes);

} // namespace handgrad
