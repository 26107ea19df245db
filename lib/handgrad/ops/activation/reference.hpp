#pragma once
// The activations, entry by entry, for any scalar. Formulas: activation.hpp; derivation: activation.md.

#include <cmath>

#include "handgrad/ops/activation/activation.hpp"
#include "handgrad/tensor/scalar.hpp"

namespace handgrad {
namespace reference {

/// max(x, 0). A zero keeps its sign; its derivative is 0.
template <class T> T value(ReLU, const T& x) {
    if (is_positive(x)) { return x; }
    const auto v = value_of(x);
    return v < 0 ? T(0) : T(v);
}
/// dy where x > 0, else 0.
template <class T> T gradient(ReLU, const T& x, const T& dy) { return is_positive(x) ? dy : T(0); }

/// x where x > 0, else negative_slope x.
template <class T> T value(LeakyReLU f, const T& x) { return is_greater(x, T(0)) ? x : T(f.negative_slope) * x; }
/// dy where x > 0, else negative_slope dy.
template <class T> T gradient(LeakyReLU f, const T& x, const T& dy) {
    return is_greater(x, T(0)) ? dy : T(f.negative_slope) * dy;
}

/// 1 / (1 + e^-x), written so that the exponential never overflows.
template <class T> T value(Sigmoid, const T& x) {
    using std::exp;
    if (value_of(x) >= 0) { return T(1) / (T(1) + exp(-x)); }
    const T e = exp(x);
    return e / (T(1) + e);
}
/// dy y (1 - y).
template <class T> T gradient(Sigmoid, const T& y, const T& dy) { return dy * y * (T(1) - y); }

/// tanh(x).
template <class T> T value(Tanh, const T& x) {
    using std::tanh;
    return tanh(x);
}
/// dy (1 - y^2).
template <class T> T gradient(Tanh, const T& y, const T& dy) { return dy * (T(1) - y * y); }

/// x / 2 (1 + tanh u).
template <class T> T value(GELU, const T& x) {
    using std::tanh;
    const T u = T(GELU::slope) * (x + T(GELU::cubic) * x * x * x);
    return T(0.5) * x * (T(1) + tanh(u));
}
/// dy ((1 + t) / 2 + x / 2 (1 - t^2) u').
template <class T> T gradient(GELU, const T& x, const T& dy) {
    using std::tanh;
    const T t = tanh(T(GELU::slope) * (x + T(GELU::cubic) * x * x * x));
    const T du = T(GELU::slope) * (T(1) + T(3 * GELU::cubic) * x * x);
    return dy * (T(0.5) * (T(1) + t) + T(0.5) * x * (T(1) - t * t) * du);
}

/// x s, with the sigmoid s of x.
template <class T> T value(SiLU, const T& x) { return x * value(Sigmoid(), x); }
/// dy (s + x s (1 - s)): the product rule.
template <class T> T gradient(SiLU, const T& x, const T& dy) {
    const T s = value(Sigmoid(), x);
    return dy * (s + x * s * (T(1) - s));
}

} // namespace reference

template <> template <class F, class T>
void ActivationKernels<OnReference>::forward(VectorView<const T> x, VectorView<T> y, F f) {
    for (std::size_t i = 0; i < x.size; ++i) { y(i) = reference::value(f, x(i)); }
}

template <> template <class F, class T>
void ActivationKernels<OnReference>::backward(VectorView<const T> kept, VectorView<const T> dy, VectorView<T> dx, F f) {
    for (std::size_t i = 0; i < kept.size; ++i) { dx(i) = reference::gradient(f, kept(i), dy(i)); }
}

} // namespace handgrad
