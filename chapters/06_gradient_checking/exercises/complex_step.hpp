#pragma once
// Exercise 06.5: a gradient by the complex step.

#include <complex>

#include <handgrad/tensor/tensor.hpp>

using handgrad::Tensor;
using handgrad::zeros;

// f takes a tensor of complex numbers of the shape of x, and returns a complex number. With h = 1e-20,
//
//     g_i = Im f(x + i h e_i) / h
//
// where the i before h is the imaginary unit and e_i is 1 at position i, else 0. The gradient g has the shape of x.
template <class F> Tensor<double> complex_step(const F& f, const Tensor<double>& x) {
    Tensor<double> g = zeros<double>(x.shape());
    // Your code goes here. The shape of a Tensor<std::complex<double>> z is given by z(x.shape()) when you make it.
    return g;
}
