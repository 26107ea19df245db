#include "handgrad/device/memory.hpp"

#include <cstdint>
#include <cstring>
#include <new>
#include <utility>

#include "handgrad/device/run.hpp"

namespace handgrad::device {
namespace {

/// The item of fill(): the same number for every entry.
template <class T> struct Same {
    T value;
    HANDGRAD_HOST_DEVICE T operator()(std::size_t) const { return value; }
};

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

#else

constexpr std::align_val_t alignment{64}; // a cache line, and the widest SIMD register
void* allocate(std::size_t bytes) {
    require_available();
    return ::operator new(bytes, alignment);
}
void deallocate(void* memory) noexcept { ::operator delete(memory, alignment); }

#endif

} // namespace

#if defined(HANDGRAD_THRUST_CUDA)

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

void copy(const void* from, void* to, std::size_t bytes) {
    if (bytes > 0) { std::memmove(to, from, bytes); }
}
void copy_to_device(const void* from, void* to, std::size_t bytes) { copy(from, to, bytes); }
void copy_to_host(const void* from, void* to, std::size_t bytes) { copy(from, to, bytes); }

#endif

template <class T> void fill(T* x, std::size_t n, T value) { tabulate(x, n, 1, Same<T>{value}); }
template void fill(float*, std::size_t, float);
template void fill(double*, std::size_t, double);
template void fill(std::int32_t*, std::size_t, std::int32_t);
template void fill(std::int64_t*, std::size_t, std::int64_t);

Buffer::Buffer(Buffer&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}

Buffer& Buffer::operator=(Buffer&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(bytes_, other.bytes_);
    return *this;
}

Buffer::~Buffer() {
    if (data_ != nullptr) { deallocate(data_); }
}

void Buffer::reserve(std::size_t bytes) {
    if (bytes <= bytes_) { return; }
    if (data_ != nullptr) { deallocate(std::exchange(data_, nullptr)); }
    bytes_ = 0;
    data_ = allocate(bytes);
    bytes_ = bytes;
}

} // namespace handgrad::device
