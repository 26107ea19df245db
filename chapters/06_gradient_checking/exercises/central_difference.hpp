#pragma once
// Exercise 06.4: a gradient by central differences.

#include <functional>

#include <handgrad/tensor/tensor.hpp>

using handgrad::Tensor;
using handgrad::zeros;

// f takes a tensor of the shape of x and returns a number. The gradient has the shape of x; with e_i the tensor that is
// 1 at position i and 0 elsewhere,
//
//     g_i = (f(x + h e_i) - f(x - h e_i)) / (2 h)
//
// f is called with x changed in one entry only, whatever happened to the entries before it.
inline Tensor<double> central_difference(const std::function<double(const Tensor<double>&)>& f,
                                         const Tensor<double>& x, double h) {
    Tensor<double> g = zeros<double>(x.shape());
    // Your code goes here: write to every g.data()[i], i = 0 .. x.size() - 1.
    return g;
}
