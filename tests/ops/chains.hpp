#pragma once
// Operations with options, for the tests that need several operations: each is defined in its own test file.

#include "handgrad/ops/conv2d/conv2d.hpp"
#include "handgrad/ops/pool2d/pool2d.hpp"
#include "handgrad/ops/sgd/sgd.hpp"
#include "support/operation.hpp"

namespace support {

Chain conv2d(const handgrad::Conv2dOptions& options = {});
Chain conv2d_relu_max_pool2d(const handgrad::Conv2dOptions& options = {});
Chain max_pool2d(const handgrad::MaxPool2dOptions& options);
Chain avg_pool2d(const handgrad::AvgPool2dOptions& options);
Chain l2_penalty(double lambda);
Chain sgd_step(const handgrad::SgdOptions& options);

/// What an operation on x alone gives.
inline Tensor<double> y_of(const Backend& on, const Chain& chain, const Tensor<double>& x) {
    return chain(on, {{"x", x}}).at("y");
}
/// Its gradient.
inline Tensor<double> dx_of(const Backend& on, const Chain& chain, const Tensor<double>& x, const Tensor<double>& dy) {
    return chain(on, {{"x", x}, {"dy", dy}}).at("dx");
}

} // namespace support
