#include <thrust/copy.h>
#include <thrust/fill.h>

#include <cstring>
#include <new>

#include "handgrad/device/kernels.hpp"
#include "handgrad/device/run.hpp"

namespace handgrad::device::kernels {

#if defined(HANDGRAD_THRUST_CUDA)

void* allocate(std::size_t bytes) {
    void* memory = nullptr;
    if (cudaMalloc(&memory, bytes) != cudaSuccess) {
        const std::string why = cudaGetErrorString(cudaGetLastError());
        std::size_t free = 0, all = 0;
        if (cudaMemGetInfo(&free, &all) != cudaSuccess) { throw std::runtime_error("CUDA: no memory: " + why); }
        throw std::runtime_error("out of GPU memory: asked for " + std::to_string(bytes) + " bytes, " +
                                 std::to_string(free) + " of " + std::to_string(all) + " are free");
    }
    return memory;
}

void deallocate(void* memory) noexcept { static_cast<void>(cudaFree(memory)); }

void copy(const void* from, void* to, std::size_t bytes) {
    check_cuda(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice), "a copy");
}
void copy_to_device(const void* from, void* to, std::size_t bytes) {
    check_cuda(cudaMemcpy(to, from, bytes, cudaMemcpyHostToDevice), "a copy to the GPU");
}
void copy_to_host(const void* from, void* to, std::size_t bytes) {
    check_cuda(cudaMemcpy(to, from, bytes, cudaMemcpyDeviceToHost), "a copy from the GPU");
}

#else

void* allocate(std::size_t bytes) { return ::operator new(bytes); }
void deallocate(void* memory) noexcept { ::operator delete(memory); }
void copy(const void* from, void* to, std::size_t bytes) {
    if (bytes > 0) { std::memmove(to, from, bytes); }
}
void copy_to_device(const void* from, void* to, std::size_t bytes) { copy(from, to, bytes); }
void copy_to_host(const void* from, void* to, std::size_t bytes) { copy(from, to, bytes); }

#endif

template <class T> void fill(T* x, std::size_t n, T value) {
    run(n, [&](const auto& policy) { thrust::fill_n(policy, x, n, value); });
}

template void fill(float*, std::size_t, float);
template void fill(double*, std::size_t, double);
template void fill(std::int32_t*, std::size_t, std::int32_t);
template void fill(std::int64_t*, std::size_t, std::int64_t);

} // namespace handgrad::device::kernels
