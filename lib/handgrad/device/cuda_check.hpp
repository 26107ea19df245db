#pragma once
// CUDA's errors as exceptions of one line.

#if defined(__CUDACC__) // tests/gpu/on_host has declared a stand-in
#include <cuda_runtime_api.h>
#endif

#include <stdexcept>
#include <string>

namespace handgrad::device {

inline void check_cuda(cudaError_t status, const char* what) {
    if (status != cudaSuccess) {
        throw std::runtime_error(std::string("CUDA: ") + what + ": " + cudaGetErrorString(status));
    }
}

} // namespace handgrad::device
