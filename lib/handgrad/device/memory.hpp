#pragma once
/// @file
/// The memory of the device: of a GPU, or of this computer if the device is its cores.

#include <cstddef>

namespace handgrad::device {

/// Copies `bytes` bytes within the device's memory.
void copy(const void* from, void* to, std::size_t bytes);
/// Copies from the host's memory to the device's.
void copy_to_device(const void* from, void* to, std::size_t bytes);
/// Copies from the device's memory to the host's. Waits for all kernels that were started before.
void copy_to_host(const void* from, void* to, std::size_t bytes);
/// Sets n numbers. @tparam T float, double, std::int32_t or std::int64_t
template <class T> void fill(T* x, std::size_t n, T value);

/// Device memory with one owner. Grows, never shrinks.
class Buffer {
public:
    Buffer() = default;
    Buffer(Buffer&& other) noexcept;            ///< moves the memory
    Buffer& operator=(Buffer&& other) noexcept; ///< moves the memory
    ~Buffer();

    /// Makes the buffer at least `bytes` bytes large. If it has to grow, the contents are lost.
    /// @throws std::runtime_error with the number of bytes requested and of those available
    void reserve(std::size_t bytes);
    void* data() const { return data_; } ///< its address in the memory of the device

private:
    void* data_ = nullptr;
    std::size_t bytes_ = 0;
};

/// Device memory for at least n numbers, for intermediate results. Every call of a thread with the same T returns the
/// same memory.
template <class T> T* scratch(std::size_t n) {
    thread_local Buffer memory;
    memory.reserve(n * sizeof(T));
    return static_cast<T*>(memory.data());
}

} // namespace handgrad::device
