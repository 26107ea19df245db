#pragma once
/// @file
/// The one place that includes xtensor: the library's array type, and the few things that every part needs to say
/// about shapes.

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include <xsimd/xsimd.hpp>
#if __has_include(<xtensor/containers/xarray.hpp>) // xtensor 0.26 and later
#include <xtensor/containers/xarray.hpp>
#else
#include <xtensor/xarray.hpp>
#endif

namespace handgrad {

/// A dense, row-major array of any rank, as torch.Tensor is: (N, D) for a batch of rows, (N, C, H, W) for images,
/// (D_in, D_out) for the weight of a linear layer.
///
/// It is xtensor's xarray with two choices made: memory is aligned to 64 bytes, a cache line and the widest SIMD
/// register; and it is a std::vector underneath, so that a tensor that shrinks for the last, shorter batch and grows
/// again afterwards allocates nothing. Every xtensor expression works on it.
template <class T> using Tensor = xt::xarray_container<std::vector<T, xsimd::aligned_allocator<T, 64>>,
                                                       xt::layout_type::row_major, xt::dynamic_shape<std::size_t>>;

/// Class numbers, one for each row of a batch: shape (N), values 0 .. K-1.
using Labels = Tensor<std::int64_t>;

/// The extents of a tensor, outermost first.
using Shape = xt::dynamic_shape<std::size_t>;

/// The number as it was written: a negative one that became a std::size_t is "-1" again, not 18446744073709551615.
std::string as_written(std::size_t number);

/// "(64, 784)", as Python prints a shape; "(5,)" for one dimension, "()" for a scalar.
std::string to_string(const Shape& shape);

/// A tensor of this shape, filled with zeros.
template <class T> Tensor<T> zeros(const Shape& shape) { return Tensor<T>(shape, T(0)); }

/// A tensor of this shape, filled with `value`.
template <class T> Tensor<T> full(const Shape& shape, T value) { return Tensor<T>(shape, value); }

/// Gives `t` the shape wanted. Keeps its memory where that is large enough; the values are unspecified afterwards.
template <class T> void resize(Tensor<T>& t, const Shape& shape) {
    if (t.shape() != shape) { t.resize(shape); }
}

/// Throws ShapeError unless `shape` is exactly `expected`: "linear_forward: b has shape (3,), expected (10,)".
void require_shape(std::string_view where, std::string_view what, const Shape& shape, const Shape& expected);

/// Throws ShapeError unless there are as many dimensions as `letters` names, which the message quotes:
/// require_rank("linear_forward", "x", x.shape(), {"N", "D_in"}).
void require_rank(std::string_view where, std::string_view what, const Shape& shape,
                  std::initializer_list<std::string_view> letters);

/// Throws ShapeError for a number that is less than `least`, or that was negative before it became a std::size_t:
/// "DataLoader: batch_size is -1, expected at least 1".
void require_at_least(std::string_view where, std::string_view what, std::size_t number, std::size_t least);

} // namespace handgrad
