#pragma once
/// @file
/// One step of SGD by Thrust, for float and double. Formulas, shapes and derivation: contract/sgd.hpp.

#include "handgrad/device/tensor.hpp"
#include "handgrad/ops/sgd/sgd.hpp"

namespace handgrad::device {

/// p takes one step against its gradient g; v is its velocity, read and written only if options.momentum is not 0
/// (a v of another shape means that this is the first step). All of one shape. @throws ShapeError
template <class T> void sgd_step(Tensor<T>& p, const Tensor<T>& g, Tensor<T>& v, const SgdOptions& options);

} // namespace handgrad::device
