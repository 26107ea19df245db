#pragma once
// Exercise 06.4: a gradient by a difference of fourth order.
// Background: chapter 06, the section about the size of the step.

#include <functional>

#include <handgrad/tensor/tensor.hpp>

using handgrad::Tensor;
using handgrad::zeros;

// f takes a tensor of the shape of x and returns a number. With e_i the tensor
// that is 1 at position i and 0 elsewhere, and delta the step,
//
//     near_i = f(x + delta e_i) - f(x - delta e_i)
//     far_i  = f(x + 2 delta e_i) - f(x - 2 delta e_i)
//     dx_i   = (8 near_i - far_i) / (12 delta)
//
// The central difference, near_i / (2 delta), has an error of the order of
// delta^2. Here the weights 8 and -1 cancel it, and delta^4 remains. f must be
// called with x changed in one entry only.
inline Tensor<double>
five_point_difference(const std::function<double(const Tensor<double>&)>& f,
                      const Tensor<double>& x, double delta) {
    Tensor<double> dx = zeros<double>(x.shape());
    // Your code goes here: write every dx.data()[i], i = 0 .. x.size() - 1.
    return dx;
}
