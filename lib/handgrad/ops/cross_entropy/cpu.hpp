#pragma once
/// @file
/// Softmax cross-entropy, for float and double. Formulas, shapes and derivation: contract/cross_entropy.hpp.

#include "handgrad/ops/cross_entropy/cross_entropy.hpp"

namespace handgrad::cpu {

/// Returns the mean of log sum_j exp(z_nj) - z_ny, and p = softmax(z): z and p (N, K), y (N,). @throws ShapeError
template <class T> T cross_entropy_forward(const Tensor<T>& z, const Labels& y, Tensor<T>& p);

/// dz_nk = (p_nk - 1[k = y_n]) / N: p and dz (N, K), y (N,); dz overwritten. @throws ShapeError
template <class T> void cross_entropy_backward(const Tensor<T>& p, const Labels& y, Tensor<T>& dz);

/// The mean loss alone.
template <class T> T cross_entropy_forward(const Tensor<T>& z, const Labels& y);

/// The gradient, as a new tensor.
template <class T> Tensor<T> cross_entropy_backward(const Tensor<T>& p, const Labels& y);

/// How many rows of z (N, K) have their largest entry, the first of equals or of NaN, at their label y (N,).
/// @throws ShapeError
template <class T> std::size_t count_correct(const Tensor<T>& z, const Labels& y);

} // namespace handgrad::cpu
