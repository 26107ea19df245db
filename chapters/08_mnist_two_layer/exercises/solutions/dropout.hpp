#pragma once
// Exercise 08.4: dropout, forward and backward.

#include <handgrad/tensor/tensor.hpp>

using handgrad::Tensor;
using handgrad::zeros;

// Given the mask, dropout multiplies each entry by a constant, 0 or 1 / (1 - p)...
inline Tensor<double> dropout_forward(const Tensor<double>& x, const Tensor<double>& mask,
                                      double p) {
    Tensor<double> y = zeros<double>(x.shape());
    for (std::size_t i = 0; i < x.size(); ++i) {
        y.data()[i] = x.data()[i] * mask.data()[i] / (1 - p);
    }
    return y;
}

// ... so the gradient is multiplied by the same constants. A new mask here would be an error: it is the old one that the
// loss has been computed with.
inline Tensor<double> dropout_backward(const Tensor<double>& dy, const Tensor<double>& mask,
                                       double p) {
    return dropout_forward(dy, mask, p);
}
