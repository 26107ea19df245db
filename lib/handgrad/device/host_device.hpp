#pragma once
// Functions that run on the host and, where there is CUDA, on the GPU. Thrust 3 has no macro for that without CUDA.

#ifdef __CUDACC__
#define HANDGRAD_HOST_DEVICE __host__ __device__
#else
#define HANDGRAD_HOST_DEVICE
#endif
