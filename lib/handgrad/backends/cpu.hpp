#pragma once
/// @file
/// The cpu backend: OpenBLAS, SIMD, threads. Its results do not depend on the number of threads.

#include "handgrad/backends/host.hpp"

namespace handgrad {

/// The fast operations on this computer's cores: Cpu<float>, Cpu<double>.
template <class T = float> struct Cpu : HostBackend<OnCpu, T> {
    template <class U> using With = Cpu<U>; ///< the same backend for another type of number
};

} // namespace handgrad
