#include "handgrad/device/system.hpp"

#include <atomic>

#include "handgrad/device/run.hpp"
#if !defined(HANDGRAD_THRUST_OFF)
#include <thrust/version.h>
#endif

namespace handgrad::device {
namespace {

std::atomic<Algorithm>& choice() {
    static std::atomic<Algorithm> chosen{Algorithm::fast};
    return chosen;
}

/// The reason why the device cannot be used; empty if it can.
std::string why_not_available() {
#if defined(HANDGRAD_THRUST_OFF)
    return "this build has no Thrust; configure with -DHANDGRAD_THRUST_DEVICE=OMP, TBB, CPP or CUDA";
#elif defined(HANDGRAD_THRUST_CUDA)
    int count = 0;
    const cudaError_t status = cudaGetDeviceCount(&count);
    if (status != cudaSuccess) {
        static_cast<void>(cudaGetLastError()); // clears the error, which CUDA would report again at the next call
        return cudaGetErrorString(status);
    }
    return count > 0 ? "" : "there is no GPU";
#else
    return "";
#endif
}

} // namespace

std::string system_name() {
#if defined(HANDGRAD_THRUST_CUDA)
    return "CUDA";
#elif defined(HANDGRAD_THRUST_OMP)
    return "OMP";
#elif defined(HANDGRAD_THRUST_TBB)
    return "TBB";
#elif defined(HANDGRAD_THRUST_CPP)
    return "CPP";
#else
    return "OFF";
#endif
}

bool is_gpu() {
#if defined(HANDGRAD_THRUST_CUDA)
    return true;
#else
    return false;
#endif
}

bool is_available() { return why_not_available().empty(); }

void require_available() {
    const std::string why = why_not_available();
    if (!why.empty()) {
        throw std::runtime_error("--device thrust: " +
                                 (is_gpu() ? "this program was built for CUDA, and no GPU can be used: " + why : why));
    }
}

void synchronize() {
#if defined(HANDGRAD_THRUST_CUDA)
    check_cuda(cudaDeviceSynchronize(), "waiting for the GPU");
#endif
}

Algorithm algorithm() { return choice(); }
void set_algorithm(Algorithm chosen) { choice() = chosen; }
bool uses_cpu_kernels() { return algorithm() == Algorithm::fast && !is_gpu(); }
bool is_plain() { return algorithm() == Algorithm::plain; }

std::string description() {
#if defined(HANDGRAD_THRUST_OFF)
    return "no Thrust";
#else
    std::string text = "Thrust " + std::to_string(THRUST_MAJOR_VERSION) + "." + std::to_string(THRUST_MINOR_VERSION) +
                       "." + std::to_string(THRUST_SUBMINOR_VERSION) + ", " + system_name();
#if defined(HANDGRAD_THRUST_CUDA)
    cudaDeviceProp properties;
    if (why_not_available().empty() && cudaGetDeviceProperties(&properties, 0) == cudaSuccess) {
        text += std::string(", ") + properties.name;
    }
#endif
    return text;
#endif
}

} // namespace handgrad::device
