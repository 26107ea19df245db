#pragma once
/// @file
/// Tensors in the memory of the device.
///
/// The device is what Thrust was built for, a GPU (CUDA) or this computer's own cores (OMP, TBB, CPP); see
/// device/system.hpp. No header of Thrust is included here, and none of xtensor: device/transfer.hpp copies tensors
/// from and to the host.

#include <cstddef>
#include <cstdint>

#include "handgrad/device/memory.hpp"
#include "handgrad/tensor/place.hpp"
#include "handgrad/tensor/shape.hpp"
#include "handgrad/tensor/version.hpp"

namespace handgrad::device {

/// A dense, row-major array of any rank in the device's memory, as handgrad::Tensor is in the host's.
///
/// Its numbers cannot be reached from here one by one; to_device() and to_host() copy all of them. An operation of a
/// backend takes tensors of its own kind only: mixing tensors of two backends does not compile.
/// @tparam T float, double, std::int32_t or std::int64_t
template <class T> class Tensor {
public:
    using value_type = T; ///< type of one number

    Tensor() : Tensor(Shape{0}) {}          ///< shape (0,)
    explicit Tensor(const Shape& shape);    ///< unspecified values
    Tensor(const Tensor& other);            ///< a copy of the numbers, in memory of its own
    Tensor& operator=(const Tensor& other); ///< a copy of the numbers
    Tensor(Tensor&& other) noexcept;        ///< takes the memory over; a view stays a view
    Tensor& operator=(Tensor&& other);      ///< takes the memory over; a view copies the numbers
    ~Tensor() = default;

    const Shape& shape() const { return shape_; }                      ///< extents, outermost first
    std::size_t shape(std::size_t axis) const { return shape_[axis]; } ///< one of them
    std::size_t size() const { return count(shape_); }                 ///< how many numbers

    void fill(T value); ///< sets all numbers

    /// Gives it another shape; the values are unspecified afterwards. Allocates memory only if it was never as large
    /// before. @throws ShapeError for a view, if the number of entries differs
    void resize(const Shape& shape);

    /// Shows the numbers of another tensor in this shape from now on, as handgrad::show.
    void show(const Tensor& x, const Shape& shape);

    T* data() { ///< the first number, in the device's memory: for kernels, which may change it
        version_.changed();
        return data_;
    }
    const T* data() const { return data_; }             ///< the first number, in the device's memory: for kernels
    const Version& version() const { return version_; } ///< counts changes

private:
    void take(Tensor& other) noexcept;
    bool is_view() const { return data_ != buffer_.data(); }

    Shape shape_;
    Buffer buffer_;
    T* data_ = nullptr; // in buffer_, or another tensor's
    Version version_;
};

/// Class numbers, one for each row of a batch: shape (N). Or tokens, (B, T).
using Labels = Tensor<std::int64_t>;

/// The winners of max-pooling, (N, C, P, Q): the number i W + j of a pixel within its channel.
using Indices = Tensor<std::int32_t>;

/// Gives `t` the shape wanted. Keeps its memory where that is large enough; the values are unspecified afterwards.
template <class T> void resize(Tensor<T>& t, const Shape& shape) {
    if (t.shape() != shape) { t.resize(shape); }
}

/// Makes `view` show the numbers of x in another shape, without a copy. x must live longer, and keep its size.
/// @throws ShapeError if the shape has another number of entries than x
template <class T> void show(Tensor<T>& view, const Tensor<T>& x, const Shape& shape) {
    require_same_size("show", x.shape(), shape);
    view.show(x, shape);
}

/// The tensor's numbers as they are now, to find out later whether they still are.
template <class T> Watch watch(const Tensor<T>& x) { return Watch(x.version()); }

} // namespace handgrad::device

namespace handgrad {

/// The tensors of the device backend.
template <class T> struct TensorOn<OnDevice, T> {
    using type = device::Tensor<T>; ///< in the device's memory
};

} // namespace handgrad
