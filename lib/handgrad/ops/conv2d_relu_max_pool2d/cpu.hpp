#pragma once
/// @file
/// conv2d_relu_max_pool2d, for float and double, by the direct kernel (ConvAlgorithm has no say here). winners holds a
/// SIMD register of images after the other. Formulas, shapes and derivation: conv2d_relu_max_pool2d.hpp.

#include "handgrad/ops/accumulate.hpp"
#include "handgrad/ops/conv2d_relu_max_pool2d/conv2d_relu_max_pool2d.hpp"

namespace handgrad::cpu {

/// y = max-pooling of max(w * x + b, 0), and who won. @throws ShapeError
template <class T> void conv2d_relu_max_pool2d_forward(const Tensor<T>& x, const Tensor<T>& w, const Tensor<T>& b,
                                                       const Conv2dOptions& options, Tensor<T>& y, Tensor<T>& winners);

/// dx, given dy (N, K, P/2, Q/2), winners, w and x's shape; dx (N, C, H, W), overwritten. @throws ShapeError
template <class T> void conv2d_relu_max_pool2d_backward_input(const Tensor<T>& dy, const Tensor<T>& winners,
                                                              const Tensor<T>& w, const Shape& shape_of_x,
                                                              const Conv2dOptions& options, Tensor<T>& dx);

/// dw and db, given x, dy, winners and w's shape; dw (K, C/G, R, S) and db (K,), overwritten or added to.
/// @throws ShapeError
template <class T> void conv2d_relu_max_pool2d_backward_parameters(const Tensor<T>& x, const Tensor<T>& dy,
                                                                   const Tensor<T>& winners, const Shape& shape_of_w,
                                                                   const Conv2dOptions& options, Tensor<T>& dw,
                                                                   Tensor<T>& db, Accumulate mode = Accumulate::no);

} // namespace handgrad::cpu
