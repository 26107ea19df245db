#pragma once
/// @file
/// The functions of a scalar that the reference operations call besides arithmetic, for float, double and std::complex.
/// Another scalar type, such as a dual number or the gradient checker's Traced, has overloads in its own namespace.

#include <complex>

namespace handgrad::reference {

/// The value as a real number, for decisions that do not affect the derivative of the result: the maximum that
/// log-sum-exp subtracts, the class that argmax finds.
inline float value_of(float x) { return x; }
inline double value_of(double x) { return x; } ///< for double
/// The real part. Complex-step differentiation carries the derivative in the imaginary part.
template <class T> T value_of(const std::complex<T>& x) { return x.real(); }

/// True unless x <= 0, so that NaN passes through a ReLU, as in PyTorch. A function may have a kink where this decision
/// changes; the gradient checker records it.
template <class T> bool is_positive(const T& x) { return !(value_of(x) <= 0); }

/// a > b: the choice of a maximum between two numbers, which may cause a kink as well. Traced has an overload.
template <class T> bool is_greater(const T& a, const T& b) { return value_of(a) > value_of(b); }

} // namespace handgrad::reference
