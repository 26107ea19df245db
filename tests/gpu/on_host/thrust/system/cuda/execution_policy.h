#pragma once
// A stand-in for Thrust's CUDA system: its algorithms run on one thread of the host. The runtime's stand-in comes with it,
// by a name of its own: Thrust 3 takes a file called cuda_runtime_api.h for the toolkit's.

#include <thrust/execution_policy.h>

#include "cuda_runtime.hpp"

namespace thrust::cuda {
inline const auto& par_nosync = thrust::seq;
} // namespace thrust::cuda
