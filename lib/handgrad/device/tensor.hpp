#pragma once
/// @file
/// Tensors in the memory of the device.
///
/// The device is a GPU (CUDA) or the cores of this computer (OMP, TBB, CPP); see device/system.hpp. This header
/// includes neither Thrust nor xtensor; device/transfer.hpp copies tensors from and to the host.

#include <cstddef>
#include <cstdint>

#include "handgrad/device/memory.hpp"
#include "handgrad/tensor/place.hpp"
#include "handgrad/tensor/shape.hpp"
#include "handgrad/tensor/version.hpp"

namespace handgrad::device {

/// A dense, row-major array of any rank in the device's memory, as handgrad::Tensor is in the host's.
///
/// A program cannot access its numbers one by one; to_device() and to_host() copy all of them. An operation of a
/// backend accepts tensors of that backend only: code that mixes tensors of two backends does not compile.
/// @tparam T float, double, std::int32_t or std::int64_t
template <class T> class Tensor {
public:
    using value_type = T; ///< type of one number

    Tensor() : Tensor(Shape{0}) {}          ///< shape (0,)
    explicit Tensor(const Shape& shape);    ///< unspecified values
    Tensor(const Tensor& other);            ///< copies the numbers
    Tensor& operator=(const Tensor& other); ///< copies the numbers
    Tensor(Tensor&& other) noexcept;        ///< moves the memory; a view stays a view
    Tensor& operator=(Tensor&& other);      ///< moves the memory; a view copies the numbers
    ~Tensor() = default;

    const Shape& shape() const { return shape_; }                      ///< extents, outermost first
    std::size_t shape(std::size_t axis) const { return shape_[axis]; } ///< one extent
    std::size_t size() const { return count(shape_); }                 ///< number of entries

    void fill(T value); ///< sets all numbers

    /// Changes the shape. The values are unspecified afterwards. Allocates memory only if the tensor has never been as
    /// large before. @throws ShapeError if this is a view and the number of entries differs
    void resize(const Shape& shape);

    /// Makes this a view of the numbers of another tensor, in this shape, as handgrad::show.
    void show(const Tensor& x, const Shape& shape);

    T* data() { ///< the numbers, in the memory of the device; counts as a change
        version_.changed();
        return data_;
    }
    const T* data() const { return data_; }             ///< the numbers, in the memory of the device
    const Version& version() const { return version_; } ///< counts changes

private:
    void take(Tensor& other) noexcept;
    bool is_view() const { return data_ != buffer_.data(); }

    Shape shape_;
    Buffer buffer_;
    T* data_ = nullptr; // in buffer_, or in another tensor
    Version version_;
};

/// Class numbers, one for each row of a batch, (N); or tokens, (B, T).
using Labels = Tensor<std::int64_t>;

/// The winners of max-pooling, (N, C, P, Q): i W + j for the pixel (i, j) of its channel.
using Indices = Tensor<std::int32_t>;

/// Gives `t` the shape. Keeps its memory if that is large enough. The values are unspecified afterwards.
template <class T> void resize(Tensor<T>& t, const Shape& shape) {
    if (t.shape() != shape) { t.resize(shape); }
}

/// Makes `view` show the numbers of x in another shape, without a copy. x must outlive the view and keep its size.
/// @throws ShapeError if the shape has another number of entries than x
template <class T> void show(Tensor<T>& view, const Tensor<T>& x, const Shape& shape) {
    require_same_size("show", x.shape(), shape);
    view.show(x, shape);
}

/// Starts to watch the numbers of x: the result tells later whether they have changed since.
template <class T> Watch watch(const Tensor<T>& x) { return Watch(x.version()); }

} // namespace handgrad::device

namespace handgrad {

/// The tensors of the device backend.
template <class T> struct TensorOn<OnDevice, T> {
    using type = device::Tensor<T>; ///< in the device's memory
};

} // namespace handgrad
