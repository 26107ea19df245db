#pragma once
/// @file
/// tanh, entry by entry. Formulas and derivation: contract/activation.hpp.

#include <cmath>

#include "handgrad/ops/activation/activation.hpp"
#include "handgrad/tensor/scalar.hpp"

namespace handgrad::reference {

/// y = tanh(x), entry by entry; any shape, y the same.
template <class T> void tanh_forward(const Tensor<T>& x, Tensor<T>& y) {
    resize(y, x.shape());
    using std::tanh;
    for (std::size_t i = 0; i < x.size(); ++i) { y.data()[i] = tanh(x.data()[i]); }
}

/// dx = dy (1 - y^2); y and dy of one shape, dx overwritten. @throws ShapeError
template <class T> void tanh_backward(const Tensor<T>& y, const Tensor<T>& dy, Tensor<T>& dx) {
    resize(dx, check_activation_backward("tanh_backward", y.shape(), dy.shape()));
    for (std::size_t i = 0; i < y.size(); ++i) {
        const T yi = y.data()[i];
        dx.data()[i] = dy.data()[i] * (T(1) - yi * yi);
    }
}

/// y = tanh(x), as a new tensor.
template <class T> Tensor<T> tanh_forward(const Tensor<T>& x) {
    Tensor<T> y;
    tanh_forward(x, y);
    return y;
}

/// dx = dy (1 - y^2), as a new tensor.
template <class T> Tensor<T> tanh_backward(const Tensor<T>& y, const Tensor<T>& dy) {
    Tensor<T> dx;
    tanh_backward(y, dy, dx);
    return dx;
}

} // namespace handgrad::reference
