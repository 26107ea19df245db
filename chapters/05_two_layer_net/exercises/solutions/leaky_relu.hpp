#pragma once
// Exercise 05.4: leaky ReLU, backward.

#include <handgrad/tensor/tensor.hpp>

using handgrad::Tensor;
using handgrad::zeros;

// The slope is 1 on the right and `slope` on the left. It is a slope of y in x, so it is x that is asked, not dy.
inline Tensor<double> leaky_relu_backward(const Tensor<double>& x, const Tensor<double>& dy,
                                          double slope) {
    Tensor<double> dx = zeros<double>(x.shape());
    for (std::size_t i = 0; i < x.size(); ++i) {
        dx.data()[i] = x.data()[i] > 0 ? dy.data()[i] : slope * dy.data()[i];
    }
    return dx;
}
