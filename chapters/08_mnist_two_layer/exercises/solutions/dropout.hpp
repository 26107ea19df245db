#pragma once
// Exercise 08.4: dropout, forward and backward.

#include <handgrad/tensor.hpp>

// Given the mask, dropout multiplies each entry by a constant, 0 or 1 / (1 - p)...
inline handgrad::Tensor<double> dropout_forward(const handgrad::Tensor<double>& x, const handgrad::Tensor<double>& mask,
                                                double p) {
    handgrad::Tensor<double> y = handgrad::zeros<double>(x.shape());
    for (std::size_t i = 0; i < x.size(); ++i) { y.data()[i] = x.data()[i] * mask.data()[i] / (1 - p); }
    return y;
}

// ... so the gradient is multiplied by the same constants. A new mask here would be an error: it is the old one that the
// loss has been computed with.
inline handgrad::Tensor<double> dropout_backward(const handgrad::Tensor<double>& dy,
                                                 const handgrad::Tensor<double>& mask, double p) {
    return dropout_forward(dy, mask, p);
}
