#pragma once
// Exercise 02.4: leaky ReLU, forward.

#include <handgrad/tensor/tensor.hpp>

using handgrad::Tensor;
using handgrad::zeros;

// A comparison with NaN is false, so NaN takes the second branch, and
// alpha * NaN is NaN.
inline Tensor<double> leaky_relu_forward(const Tensor<double>& x,
                                         double alpha) {
    Tensor<double> y = zeros<double>(x.shape());
    for (std::size_t i = 0; i < x.size(); ++i) {
        y.data()[i] = x.data()[i] > 0 ? x.data()[i] : alpha * x.data()[i];
    }
    return y;
}
