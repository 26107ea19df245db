#pragma once
/// @file
/// What the reference operations ask of a scalar beyond arithmetic, for float, double and std::complex. A scalar type
/// of one's own (a dual number, the gradient checker's Traced) brings its overloads in its own namespace.

#include <complex>

namespace handgrad::reference {

/// The number as a plain real one, for decisions that do not change the result's derivative: the maximum that
/// log-sum-exp subtracts, the class that argmax finds.
inline float value_of(float x) { return x; }
inline double value_of(double x) { return x; } ///< see the other
/// The real part. Complex-step differentiation carries the derivative in the imaginary part.
template <class T> T value_of(const std::complex<T>& x) { return x.real(); }

/// True unless x <= 0, so that NaN passes through a ReLU as it does in PyTorch. A decision at which a function may
/// have a kink: the gradient checker watches it.
template <class T> bool is_positive(const T& x) { return !(value_of(x) <= 0); }

/// a > b, the other decision that makes a kink: which of two numbers a maximum takes. Traced has its own.
template <class T> bool is_greater(const T& a, const T& b) { return value_of(a) > value_of(b); }

} // namespace handgrad::reference
