#pragma once
/// @file
/// sigmoid, entry by entry. Formulas and derivation: contract/activation.hpp.

#include <cmath>

#include "handgrad/ops/activation/activation.hpp"
#include "handgrad/tensor/scalar.hpp"

namespace handgrad::reference {

/// 1 / (1 + e^-x), written so that the exponential never overflows.
template <class T> T logistic(const T& x) {
    using std::exp;
    if (value_of(x) >= 0) { return T(1) / (T(1) + exp(-x)); }
    const T e = exp(x);
    return e / (T(1) + e);
}

/// y = 1 / (1 + exp(-x)), entry by entry; any shape, y the same.
template <class T> void sigmoid_forward(const Tensor<T>& x, Tensor<T>& y) {
    resize(y, x.shape());
    for (std::size_t i = 0; i < x.size(); ++i) { y.data()[i] = logistic(x.data()[i]); }
}

/// dx = dy y (1 - y); y and dy of one shape, dx overwritten. @throws ShapeError
template <class T> void sigmoid_backward(const Tensor<T>& y, const Tensor<T>& dy, Tensor<T>& dx) {
    resize(dx, check_activation_backward("sigmoid_backward", y.shape(), dy.shape()));
    for (std::size_t i = 0; i < y.size(); ++i) {
        const T yi = y.data()[i];
        dx.data()[i] = dy.data()[i] * yi * (T(1) - yi);
    }
}

/// y = 1 / (1 + exp(-x)), as a new tensor.
template <class T> Tensor<T> sigmoid_forward(const Tensor<T>& x) {
    Tensor<T> y;
    sigmoid_forward(x, y);
    return y;
}

/// dx = dy y (1 - y), as a new tensor.
template <class T> Tensor<T> sigmoid_backward(const Tensor<T>& y, const Tensor<T>& dy) {
    Tensor<T> dx;
    sigmoid_backward(y, dy, dx);
    return dx;
}

} // namespace handgrad::reference
