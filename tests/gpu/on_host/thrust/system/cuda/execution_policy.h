#pragma once
// A stand-in for Thrust's CUDA system: its algorithms run on one thread of the host.

#include <thrust/execution_policy.h>

namespace thrust::cuda {
inline const auto& par_nosync = thrust::seq;
} // namespace thrust::cuda
