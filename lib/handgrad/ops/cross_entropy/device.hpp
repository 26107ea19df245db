#pragma once
/// @file
/// Softmax cross-entropy by Thrust, for float and double. Formulas, shapes and derivation: contract/cross_entropy.hpp.

#include "handgrad/device/tensor.hpp"
#include "handgrad/ops/cross_entropy/cross_entropy.hpp"

namespace handgrad::device {

/// Returns the mean of log sum_j exp(z_nj) - z_ny, and p = softmax(z): z and p (N, K), y (N,). @throws ShapeError
template <class T> T cross_entropy_forward(const Tensor<T>& z, const Labels& y, Tensor<T>& p);

/// The same, but the loss stays on the device, as the one number of `loss`, shape (1): nobody waits for it. On a GPU a
/// label outside 0 .. K-1, which the others refuse, makes the loss NaN here. @throws ShapeError
template <class T> void cross_entropy_forward(const Tensor<T>& z, const Labels& y, Tensor<T>& p, Tensor<T>& loss);

/// dz_nk = (p_nk - 1[k = y_n]) / N: p and dz (N, K), y (N,); dz overwritten. @throws ShapeError
template <class T> void cross_entropy_backward(const Tensor<T>& p, const Labels& y, Tensor<T>& dz);

/// The mean loss alone.
template <class T> T cross_entropy_forward(const Tensor<T>& z, const Labels& y);

/// The gradient, as a new tensor.
template <class T> Tensor<T> cross_entropy_backward(const Tensor<T>& p, const Labels& y);

/// How many rows of z (N, K) have their largest entry, the first of equals or of NaN, at their label y (N,).
/// @throws ShapeError
template <class T> std::size_t count_correct(const Tensor<T>& z, const Labels& y);

/// Keeps account on the device of what an epoch gave: adds N times `loss`, a batch's mean of shape (1), to tally[0], and
/// count_correct of z (N, K) and y (N,) to tally[1]. tally (2,). @throws ShapeError
template <class T> void add_to_tally(const Tensor<T>& loss, const Tensor<T>& z, const Labels& y, Tensor<double>& tally);

} // namespace handgrad::device
