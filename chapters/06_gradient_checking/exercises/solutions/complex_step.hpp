#pragma once
// Exercise 06.5: a gradient by the complex step.

#include <complex>

#include <handgrad/tensor/tensor.hpp>

using handgrad::Tensor;
using handgrad::zeros;

template <class F> Tensor<double> complex_step(const F& f, const Tensor<double>& x) {
    const double h = 1e-20; // h^2 vanishes beside 1, and nothing is subtracted
    Tensor<double> g = zeros<double>(x.shape());
    Tensor<std::complex<double>> z(x.shape());
    for (std::size_t i = 0; i < x.size(); ++i) { z.data()[i] = x.data()[i]; }
    for (std::size_t i = 0; i < x.size(); ++i) {
        z.data()[i] = {x.data()[i], h};
        g.data()[i] = f(z).imag() / h;
        z.data()[i] = x.data()[i];
    }
    return g;
}
