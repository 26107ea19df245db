#pragma once
/// @file
/// Derivatives by the complex step: no subtraction, so they are exact to the last digit or two.

#include <complex>
#include <type_traits>

#include "handgrad/check/step.hpp"
#include "handgrad/tensor/tensor.hpp"

namespace handgrad::check {

/// The gradient of a scalar function by the complex step.
///
///     df/dx_i = Im f(x + i h e_i) / h
///
/// The Taylor series f(x + ih) = f(x) + ih f'(x) - h^2/2 f''(x) - ... explains it: the imaginary part is h f'(x) plus
/// terms of order h^3. Nothing is subtracted, so h can be so small that these terms vanish in rounding.
/// Source: W. Squire and G. Trapp, Using complex variables to estimate derivatives of real functions, SIAM Review 40
/// (1998).
///
/// f must be analytic at x and its code must work for complex numbers: decisions depend on the real part only, and
/// there is no std::abs and no conjugate.
///
/// @param f a function of Tensor<std::complex<double>> that returns std::complex<double>: a generic lambda,
///          `[&](const auto& w) { return ...; }`
/// @param x the point at which to differentiate, any shape
/// @param h the step; the default suits every function
/// @return  df/dx, the shape of x
/// @throws  ShapeError if h is not a positive number
template <class F> Tensor<double> complex_step(F&& f, const Tensor<double>& x, double h = 1e-20) {
    using Complex = std::complex<double>;
    static_assert(std::is_invocable_v<F&, const Tensor<Complex>&>,
                  "complex_step: f must accept a Tensor<std::complex<double>>: write [&](const auto& x) { ... }");
    static_assert(std::is_same_v<std::decay_t<std::invoke_result_t<F&, const Tensor<Complex>&>>, Complex>,
                  "complex_step: f must return std::complex<double>; a real result has lost the derivative");
    require_step("complex_step", h);

    Tensor<Complex> point(x.shape());
    for (std::size_t i = 0; i < x.size(); ++i) { point.data()[i] = x.data()[i]; }
    Tensor<double> gradient(x.shape());
    for (std::size_t i = 0; i < x.size(); ++i) {
        point.data()[i] = Complex(x.data()[i], h);
        gradient.data()[i] = std::imag(f(std::as_const(point))) / h;
        point.data()[i] = x.data()[i];
    }
    return gradient;
}

} // namespace handgrad::check
