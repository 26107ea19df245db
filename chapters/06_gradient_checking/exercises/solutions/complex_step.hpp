#pragma once
// Exercise 06.5: a gradient by the complex step.

#include <complex>

#include <handgrad/tensor/tensor.hpp>

using handgrad::Tensor;
using handgrad::zeros;

// Nothing is subtracted, so no digit is lost, however small delta is.
template <class F>
Tensor<double> complex_step(const F& f, const Tensor<double>& x) {
    const double delta = 1e-20; // delta^2 vanishes beside 1
    Tensor<double> dx = zeros<double>(x.shape());
    Tensor<std::complex<double>> z(x.shape());
    for (std::size_t j = 0; j < x.size(); ++j) { z.data()[j] = x.data()[j]; }
    for (std::size_t j = 0; j < x.size(); ++j) {
        z.data()[j] = {x.data()[j], delta};
        dx.data()[j] = f(z).imag() / delta;
        z.data()[j] = x.data()[j];
    }
    return dx;
}
