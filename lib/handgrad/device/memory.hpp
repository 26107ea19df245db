#pragma once
/// @file
/// The device's memory: a GPU's, or this computer's where the device is its cores.

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
    Buffer(Buffer&& other) noexcept;            ///< takes the memory over
    Buffer& operator=(Buffer&& other) noexcept; ///< takes the memory over
    ~Buffer();

    /// Makes room for so many bytes; the contents are lost if there is too little.
    /// @throws std::runtime_error naming the bytes asked for and those that are free
    void reserve(std::size_t bytes);
    void* data() const { return data_; } ///< where it is, in the device's memory

private:
    void* data_ = nullptr;
    std::size_t bytes_ = 0;
};

/// Device memory for n numbers, the same in every call of this thread with the same T: for intermediate results.
template <class T> T* scratch(std::size_t n) {
    thread_local Buffer memory;
    memory.reserve(n * sizeof(T));
    return static_cast<T*>(memory.data());
}

} // namespace handgrad::device
