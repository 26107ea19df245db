#pragma once
/// @file
/// The array type of the library on the host. Only this header includes xtensor.

#include <cstdint>

#if defined(__CUDACC__)
#error "nvcc compiles kernels, which take views (tensor/view.hpp) and need no xtensor"
#endif

#include <xsimd/xsimd.hpp>
#if __has_include(<xtensor/containers/xarray.hpp>) // xtensor 0.26 and later
#include <xtensor/containers/xarray.hpp>
#else
#include <xtensor/xarray.hpp>
#endif

#include "handgrad/tensor/place.hpp"
#include "handgrad/tensor/shape.hpp"
#include "handgrad/tensor/storage.hpp"

namespace handgrad {

/// A dense, row-major array of any rank, as torch.Tensor is: (N, D) for a mini-batch of rows, (N, C, H, W) for images,
/// (D_in, D_out) for the weight of a linear layer.
///
/// It is an xtensor container, so every xtensor expression accepts it. Its memory is a Storage: aligned to 64 bytes,
/// kept when the tensor shrinks, and watched if a layer needs the numbers until backward.
template <class T> using Tensor = xt::xarray_container<Storage<T>, xt::layout_type::row_major, Shape>;

/// The tensors of the reference.
template <class T> struct TensorOn<OnReference, T> {
    using type = Tensor<T>; ///< on the host
};
/// The tensors of the cpu backend.
template <class T> struct TensorOn<OnCpu, T> {
    using type = Tensor<T>; ///< on the host
};

/// Class numbers 0 .. K-1, one for each row of a batch, (N); or tokens, (B, T).
using Labels = Tensor<std::int64_t>;

/// The winners of max-pooling, (N, C, P, Q): i W + j for the pixel (i, j) of its channel.
using Indices = Tensor<std::int32_t>;

/// A tensor of this shape, filled with zeros.
template <class T> Tensor<T> zeros(const Shape& shape) { return Tensor<T>(shape, T(0)); }

/// A tensor of this shape, filled with `value`.
template <class T> Tensor<T> full(const Shape& shape, T value) { return Tensor<T>(shape, value); }

/// Gives `t` the shape. Keeps its memory if that is large enough. The values are unspecified afterwards.
/// @throws ShapeError if `t` is a view and the number of entries differs; the view keeps its shape then
template <class T> void resize(Tensor<T>& t, const Shape& shape) {
    if (t.shape() == shape) { return; }
    t.storage().resize(count(shape)); // for a view this throws, before xtensor changes the shape
    t.resize(shape);
}

/// Makes `view` show the numbers of x in another shape, without a copy. x must outlive the view and keep its size.
/// @throws ShapeError if the shape has another number of entries than x
template <class T> void show(Tensor<T>& view, const Tensor<T>& x, const Shape& shape) {
    require_same_size("show", x.shape(), shape);
    view.storage().show(x.storage());
    view.resize(shape);
}

/// The numbers of x in another shape, without a copy, as torch.Tensor.view. A copy of the result has memory of its own.
/// @param x must outlive the result and keep its size @param shape a shape with the number of entries of x
/// @throws ShapeError if the number of entries differs
template <class T> Tensor<T> view_of(Tensor<T>& x, const Shape& shape) {
    Tensor<T> view;
    show(view, x, shape);
    return view;
}
/// The same for a const tensor; the view is const as well.
template <class T> const Tensor<T> view_of(const Tensor<T>& x, const Shape& shape) {
    Tensor<T> view;
    show(view, x, shape);
    return view;
}

/// Starts to watch the numbers of x: the result tells later whether they have changed since.
template <class T> Watch watch(const Tensor<T>& x) { return Watch(x.storage().version()); }

} // namespace handgrad
