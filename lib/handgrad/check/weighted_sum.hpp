#pragma once
/// @file
/// What it takes to turn an operation with a tensor as its result into a function that can be checked.

#include <cstddef>

#include "handgrad/tensor/tensor.hpp"

namespace handgrad::check {

/// A scalar made of every entry of y: sum of y_i dy_i.
///
/// Its gradient with respect to y is dy. With random dy this reduces the check of any operation to the check of one
/// scalar: the numeric gradient of weighted_sum(op_forward(x), dy) must equal op_backward(dy, ...).
///
/// @param y  any shape; S is float, double, std::complex<double> or Traced
/// @param dy the same shape; a real number type
/// @return   a number of y's type
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

/// A copy of x in the scalar type of `like`: what a generic lambda needs for the arguments that it does not
/// differentiate by, `[&](const auto& w) { return loss(check::cast_like(w, x), w); }`.
///
/// @param like its values do not matter
/// @param x    any shape
/// @return     the shape and values of x
template <class To, class From> Tensor<To> cast_like(const Tensor<To>& like, const Tensor<From>& x) {
    static_cast<void>(like);
    return cast<To>(x);
}

} // namespace handgrad::check
