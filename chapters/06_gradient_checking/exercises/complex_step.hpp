#pragma once
// Exercise 06.5: a gradient by the complex step.
// Background: chapter 06, the section about three gradients.

#include <complex>

#include <handgrad/tensor/tensor.hpp>

using handgrad::Tensor;
using handgrad::zeros;

// f takes a tensor of complex numbers of the shape of x and returns a complex
// number. With the step delta = 1e-20,
//
//     dx_j = Im f(x + i delta e_j) / delta
//
// where i is the imaginary unit, and e_j is 1 at position j and 0 elsewhere.
// The gradient dx has the shape of x.
template <class F>
Tensor<double> complex_step(const F& f, const Tensor<double>& x) {
    Tensor<double> dx = zeros<double>(x.shape());
    // Your code goes here. A complex tensor of the same shape is made by
    //     Tensor<std::complex<double>> z(x.shape());
    return dx;
}
