#pragma once
// Exercise 05.4: leaky ReLU, backward.

#include <handgrad/tensor/tensor.hpp>

using handgrad::Tensor;
using handgrad::zeros;

// The slope is 1 where x > 0 and alpha elsewhere. It is the slope of y as a
// function of x, so the sign of x decides, not that of dy.
inline Tensor<double> leaky_relu_backward(const Tensor<double>& x,
                                          const Tensor<double>& dy,
                                          double alpha) {
    Tensor<double> dx = zeros<double>(x.shape());
    for (std::size_t i = 0; i < x.size(); ++i) {
        dx.data()[i] = x.data()[i] > 0 ? dy.data()[i] : alpha * dy.data()[i];
    }
    return dx;
}
