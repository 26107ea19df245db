#pragma once
/// @file
/// conv2d, for float and double, with two kernels to choose from (ConvAlgorithm): im2col and one matrix product an image,
/// or directly, one image in each lane of a SIMD register. Formulas, shapes and derivation: conv2d.hpp.

#include "handgrad/ops/accumulate.hpp"
#include "handgrad/ops/conv2d/conv2d.hpp"

namespace handgrad::cpu {

/// y = w * x + b: x (N, C, H, W), w (K, C/G, R, S), b (K,) or (0,), y (N, K, P, Q). @throws ShapeError
template <class T> void conv2d_forward(const Tensor<T>& x, const Tensor<T>& w, const Tensor<T>& b,
                                       const Conv2dOptions& options, Tensor<T>& y);

/// dx, given dy (N, K, P, Q), w (K, C/G, R, S) and x's shape; dx (N, C, H, W), overwritten. @throws ShapeError
template <class T> void conv2d_backward_input(const Tensor<T>& dy, const Tensor<T>& w, const Shape& shape_of_x,
                                              const Conv2dOptions& options, Tensor<T>& dx);

/// dw, given x (N, C, H, W), dy (N, K, P, Q) and w's shape; dw (K, C/G, R, S), overwritten or added to.
/// @throws ShapeError
template <class T> void conv2d_backward_weight(const Tensor<T>& x, const Tensor<T>& dy, const Shape& shape_of_w,
                                               const Conv2dOptions& options, Tensor<T>& dw,
                                               Accumulate mode = Accumulate::no);

/// db_k = sum over n, p, q of dy_nkpq: dy (N, K, P, Q), db (K,), overwritten or added to. @throws ShapeError
template <class T> void conv2d_backward_bias(const Tensor<T>& dy, Tensor<T>& db, Accumulate mode = Accumulate::no);

/// y = w * x + b, as a new tensor.
template <class T>
Tensor<T> conv2d_forward(const Tensor<T>& x, const Tensor<T>& w, const Tensor<T>& b, const Conv2dOptions& options = {});

/// All three gradients at once. The bias itself does not matter for them.
template <class T> Conv2dGradients<T> conv2d_backward(const Tensor<T>& x, const Tensor<T>& w, const Tensor<T>& dy,
                                                      const Conv2dOptions& options = {});

} // namespace handgrad::cpu
