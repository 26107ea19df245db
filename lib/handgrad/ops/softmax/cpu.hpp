#pragma once
/// @file
/// softmax, for float and double. Formulas, shapes and derivation: contract/softmax.hpp.

#include "handgrad/ops/softmax/softmax.hpp"

namespace handgrad::cpu {

/// p = softmax(z), row by row: z and p (N, K). @throws ShapeError
template <class T> void softmax_forward(const Tensor<T>& z, Tensor<T>& p);

/// dz_k = p_k (dp_k - sum_j dp_j p_j), row by row: p, dp and dz (N, K). @throws ShapeError
template <class T> void softmax_backward(const Tensor<T>& p, const Tensor<T>& dp, Tensor<T>& dz);

/// p = softmax(z), as a new tensor.
template <class T> Tensor<T> softmax_forward(const Tensor<T>& z);

/// The gradient of softmax, as a new tensor.
template <class T> Tensor<T> softmax_backward(const Tensor<T>& p, const Tensor<T>& dp);

} // namespace handgrad::cpu
