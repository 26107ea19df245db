#include <thrust/version.h>

#include "handgrad/device/kernels.hpp"
#include "handgrad/device/run.hpp"

namespace handgrad::device::kernels {

const char* system_name() {
#if defined(HANDGRAD_THRUST_CUDA)
    return "CUDA";
#elif defined(HANDGRAD_THRUST_OMP)
    return "OMP";
#elif defined(HANDGRAD_THRUST_TBB)
    return "TBB";
#else
    return "CPP";
#endif
}

#if defined(HANDGRAD_THRUST_CUDA)

bool is_gpu() { return true; }

std::string why_not_available() {
    int count = 0;
    const cudaError_t status = cudaGetDeviceCount(&count);
    if (status != cudaSuccess) {
        static_cast<void>(cudaGetLastError()); // CUDA keeps it, and would report it at the next call
        return cudaGetErrorString(status);
    }
    return count > 0 ? "" : "there is no GPU";
}

void synchronize() { check_cuda(cudaDeviceSynchronize(), "waiting for the GPU"); }

#else

bool is_gpu() { return false; }
std::string why_not_available() { return ""; }
void synchronize() {}

#endif

std::string description() {
    std::string text = "Thrust " + std::to_string(THRUST_MAJOR_VERSION) + "." + std::to_string(THRUST_MINOR_VERSION) +
                       "." + std::to_string(THRUST_SUBMINOR_VERSION) + ", " + system_name();
#if defined(HANDGRAD_THRUST_CUDA)
    cudaDeviceProp properties;
    if (why_not_available().empty() && cudaGetDeviceProperties(&properties, 0) == cudaSuccess) {
        text += std::string(", ") + properties.name;
    }
#endif
    return text;
}

} // namespace handgrad::device::kernels
