#pragma once
// A stand-in for CUDA's runtime: a GPU whose memory is the host's. Like a GPU it has limited memory, whose contents are
// undefined at first: here they are NaN. It knows its blocks of memory, so a pointer to the host's memory where the
// device's is expected is an error, and so is a number written beyond the end of a block.

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>
#include <mutex>

enum cudaError_t { cudaSuccess = 0, cudaErrorInvalidValue = 1, cudaErrorMemoryAllocation = 2 };
enum cudaMemcpyKind { cudaMemcpyHostToDevice = 1, cudaMemcpyDeviceToHost = 2, cudaMemcpyDeviceToDevice = 3 };
struct cudaDeviceProp {
    char name[256];
};

namespace handgrad_stand_in {

constexpr std::size_t memory_size = std::size_t{1} << 32;
constexpr std::size_t margin = 64; ///< bytes before and after each block

/// The memory of the device.
struct Memory {
    std::mutex mutex;
    std::map<const char*, std::size_t, std::less<>> blocks; ///< first byte -> number of bytes
    std::size_t used = 0;

    /// Whether the device owns all bytes from `first` on. No bytes are everywhere.
    bool owns(const void* first, std::size_t bytes) {
        if (bytes == 0) { return true; }
        const std::lock_guard<std::mutex> lock(mutex);
        const char* begin = static_cast<const char*>(first);
        auto next = blocks.upper_bound(begin);
        if (next == blocks.begin()) { return false; }
        const auto& [start, size] = *--next;
        return begin + bytes <= start + size;
    }
};

inline Memory& memory() {
    static Memory& memory = *new Memory; // tensors of static lifetime may outlive a static object
    return memory;
}

inline cudaError_t& last_error() {
    static cudaError_t error = cudaSuccess;
    return error;
}
inline cudaError_t result(cudaError_t error) {
    if (error != cudaSuccess) { last_error() = error; }
    return error;
}

} // namespace handgrad_stand_in

inline const char* cudaGetErrorString(cudaError_t error) {
    return error == cudaSuccess                 ? "no error"
           : error == cudaErrorMemoryAllocation ? "out of memory"
                                                : "invalid argument";
}
inline cudaError_t cudaGetLastError() {
    const cudaError_t error = handgrad_stand_in::last_error();
    handgrad_stand_in::last_error() = cudaSuccess;
    return error;
}

inline cudaError_t cudaMalloc(void** result, std::size_t bytes) {
    using namespace handgrad_stand_in;
    const std::lock_guard<std::mutex> lock(memory().mutex);
    if (bytes > memory_size - memory().used) { return last_error() = cudaErrorMemoryAllocation; }
    char* block = static_cast<char*>(std::malloc(bytes + 2 * margin));
    if (block == nullptr) { return last_error() = cudaErrorMemoryAllocation; }
    std::memset(block, 0xff, bytes + 2 * margin); // NaN
    memory().blocks[block + margin] = bytes;
    memory().used += bytes;
    *result = block + margin;
    return cudaSuccess;
}

inline cudaError_t cudaFree(void* pointer) {
    using namespace handgrad_stand_in;
    if (pointer == nullptr) { return cudaSuccess; }
    const std::lock_guard<std::mutex> lock(memory().mutex);
    char* first = static_cast<char*>(pointer);
    const auto found = memory().blocks.find(first);
    if (found == memory().blocks.end()) { return result(cudaErrorInvalidValue); }
    const std::size_t bytes = found->second;
    for (std::size_t i = 0; i < margin; ++i) {
        if (first[bytes + i] != char(0xff) || first[-1 - static_cast<std::ptrdiff_t>(i)] != char(0xff)) {
            std::fprintf(stderr, "a kernel wrote outside a block of %zu bytes\n", bytes);
            std::abort();
        }
    }
    memory().used -= bytes;
    memory().blocks.erase(found);
    std::free(first - margin);
    return cudaSuccess;
}

inline cudaError_t cudaMemGetInfo(std::size_t* free, std::size_t* all) {
    using namespace handgrad_stand_in;
    const std::lock_guard<std::mutex> lock(memory().mutex);
    *all = memory_size;
    *free = memory_size - memory().used;
    return cudaSuccess;
}

inline cudaError_t cudaMemcpy(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind) {
    using namespace handgrad_stand_in;
    const bool to_host = kind == cudaMemcpyDeviceToHost, from_host = kind == cudaMemcpyHostToDevice;
    if (bytes == 0) { return cudaSuccess; }
    if (memory().owns(to, bytes) == to_host || memory().owns(from, bytes) == from_host) {
        return result(cudaErrorInvalidValue);
    }
    std::memmove(to, from, bytes);
    return cudaSuccess;
}
inline cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind) {
    return cudaMemcpy(to, from, bytes, kind);
}

inline cudaError_t cudaGetDeviceCount(int* count) {
    *count = 1;
    return cudaSuccess;
}
inline cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int) {
    std::strcpy(properties->name, "stand-in on the CPU");
    return cudaSuccess;
}
inline cudaError_t cudaDeviceSynchronize() { return cudaGetLastError(); }
