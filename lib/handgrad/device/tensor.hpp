#pragma once
/// @file
/// Tensors in the memory of the device, and the ways to and fro.
///
/// The device is what Thrust was built for, a GPU (CUDA) or this computer's own cores (OMP, TBB, CPP); see
/// device/system.hpp. Nothing here says which, and no header of Thrust is included: a chapter compiles in seconds.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "handgrad/ops/accumulate.hpp"
#include "handgrad/tensor/tensor.hpp"

namespace handgrad::device {

/// Memory of a GPU that belongs to one tensor. Grows, never shrinks.
class Buffer {
public:
    Buffer() = default;
    Buffer(Buffer&& other) noexcept;            ///< takes the memory over
    Buffer& operator=(Buffer&& other) noexcept; ///< takes the memory over
    ~Buffer();

    /// Makes room for so many bytes; what was there is lost if there is too little.
    /// @throws std::runtime_error naming the bytes asked for and those that are free
    void reserve(std::size_t bytes);
    void* data() const { return data_; } ///< where it is, in the device's memory

private:
    void* data_ = nullptr;
    std::size_t bytes_ = 0;
};

/// A dense, row-major array of any rank in the device's memory, as handgrad::Tensor is in the host's.
///
/// Its numbers cannot be reached from here one by one: to_device() and to_host() copy all of them, and that is slow
/// enough to be worth a word of its own. An operation of a backend takes tensors of its own kind only, so tensors of
/// two devices do not meet: the compiler refuses it.
/// @tparam T float, double, std::int32_t or std::int64_t
template <class T> class Tensor {
public:
    using value_type = T; ///< type of one number

    Tensor() : Tensor(Shape{0}) {}                        ///< shape (0,)
    explicit Tensor(const Shape& shape);                  ///< unspecified values
    Tensor(const Tensor& other);                          ///< a copy of the numbers
    Tensor& operator=(const Tensor& other);               ///< a copy of the numbers
    Tensor(Tensor&& other) noexcept = default;            ///< takes the memory over
    Tensor& operator=(Tensor&& other) noexcept = default; ///< takes the memory over
    ~Tensor() = default;

    const Shape& shape() const { return on_gpu_ ? shape_ : host_.shape(); } ///< extents, outermost first
    std::size_t shape(std::size_t axis) const { return shape()[axis]; }     ///< one of them
    std::size_t size() const;                                               ///< how many numbers

    void fill(T value); ///< sets all numbers

    /// Gives it another shape; the values are unspecified afterwards. Allocates only where it was never as large before.
    void resize(const Shape& shape);

    T* data();             ///< the first number, in the device's memory: for kernels
    const T* data() const; ///< the first number, in the device's memory: for kernels

    /// The same numbers as a host tensor, without a copy: where the device is this computer's cores, as
    /// device/system.hpp tells. @throws std::logic_error where it is a GPU
    handgrad::Tensor<T>& on_host();
    const handgrad::Tensor<T>& on_host() const; ///< the same

private:
    bool on_gpu_; // then shape and numbers are in the next two, otherwise in host_
    Shape shape_;
    Buffer buffer_;
    handgrad::Tensor<T> host_;
};

/// Class numbers, one for each row of a batch: shape (N).
using Labels = Tensor<std::int64_t>;

/// The places of the winners of max-pooling, as handgrad::Indices.
using Indices = Tensor<std::int32_t>;

/// A copy in the device's memory.
template <class T> Tensor<T> to_device(const handgrad::Tensor<T>& x);
/// The same, into a tensor that is there already.
template <class T> void to_device(const handgrad::Tensor<T>& x, Tensor<T>& result);

/// A copy in the host's memory. Waits until the device has computed it.
template <class T> handgrad::Tensor<T> to_host(const Tensor<T>& x);

/// The one number of a tensor that has one, as torch.Tensor.item(). Waits until the device has computed it.
/// @throws ShapeError for a tensor of another size
template <class T> T item(const Tensor<T>& x);

/// Gives `t` the shape wanted. Keeps its memory where that is large enough; the values are unspecified afterwards.
template <class T> void resize(Tensor<T>& t, const Shape& shape) {
    if (t.shape() != shape) { t.resize(shape); }
}

/// handgrad::prepare_gradient for the device.
template <class T> void prepare_gradient(std::string_view where, std::string_view what, Tensor<T>& g,
                                         const Shape& shape, Accumulate mode) {
    if (mode == Accumulate::yes) {
        require_shape(where, what, g.shape(), shape);
    } else {
        resize(g, shape);
    }
}

} // namespace handgrad::device
