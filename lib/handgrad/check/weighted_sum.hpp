#pragma once
/// @file
/// Helpers that turn an operation whose result is a tensor into a scalar function, which can be checked.

#include <cstddef>

#include "handgrad/tensor/tensor.hpp"

namespace handgrad::check {

/// A weighted sum of all entries of y: sum of y_i dy_i.
///
/// Its gradient with respect to y is dy. With a random dy the check of any operation becomes the check of one scalar
/// function: the numeric gradient of weighted_sum(op_forward(x), dy) must equal op_backward(dy, ...).
///
/// @param y  any shape; S is float, double, std::complex<double> or Traced
/// @param dy the same shape; a real number type
/// @return   a number of the type of y's entries
/// @throws   ShapeError if the shapes differ
template <class S, class T> S weighted_sum(const Tensor<S>& y, const Tensor<T>& dy) {
    require_shape("weighted_sum", "dy", dy.shape(), y.shape());
    S sum(0);
    for (std::size_t i = 0; i < y.size(); ++i) { sum += y.data()[i] * S(dy.data()[i]); }
    return sum;
}

/// A copy of x in another scalar type: cast<std::complex<double>>(x).
///
/// @param x any shape
/// @return  the same shape and values
template <class To, class From> Tensor<To> cast(const Tensor<From>& x) {
    Tensor<To> result(x.shape());
    for (std::size_t i = 0; i < x.size(); ++i) { result.data()[i] = To(x.data()[i]); }
    return result;
}

/// A copy of x in the scalar type of `like`. A generic lambda needs it for the arguments that are held fixed:
/// `[&](const auto& w) { return loss(check::cast_like(w, x), w); }`.
///
/// @param like a tensor of the wanted type; its values are not used
/// @param x    any shape
/// @return     the shape and values of x
template <class To, class From> Tensor<To> cast_like(const Tensor<To>& like, const Tensor<From>& x) {
    static_cast<void>(like);
    return cast<To>(x);
}

} // namespace handgrad::check
