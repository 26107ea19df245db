#pragma once
// CUDA's errors as exceptions of one line.

#include <cuda_runtime_api.h>

#include <stdexcept>
#include <string>

namespace handgrad::device {

inline void check_cuda(cudaError_t status, const char* what) {
    if (status != cudaSuccess) {
        throw std::runtime_error(std::string("CUDA: ") + what + ": " + cudaGetErrorString(status));
    }
}

} // namespace handgrad::device
