#pragma once
// What the numbers were computed with.

#include <string>

namespace handgrad::app {

/// "handgrad 0.1.0 | cpu | OpenBLAS 0.3.21 Haswell | xsimd avx2 | 2 threads | seed 0".
std::string machine_line(const std::string& device, int threads, unsigned long seed);

} // namespace handgrad::app
