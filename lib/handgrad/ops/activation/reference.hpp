#pragma once
/// @file
/// relu, entry by entry. Formulas and derivation: contract/activation.hpp.

#include "handgrad/ops/activation/activation.hpp"
#include "handgrad/tensor/scalar.hpp"

namespace handgrad::reference {

/// max(x, 0). A zero keeps its sign and loses its derivative, which is 0 there.
template <class T> T rectified(const T& x) {
    if (is_positive(x)) { return x; }
    const auto v = value_of(x);
    return v < 0 ? T(0) : T(v);
}

/// y = max(x, 0), entry by entry; any shape, y the same.
template <class T> void relu_forward(const Tensor<T>& x, Tensor<T>& y) {
    resize(y, x.shape());
    for (std::size_t i = 0; i < x.size(); ++i) { y.data()[i] = rectified(x.data()[i]); }
}

/// dx = dy where x > 0, else 0; x and dy of one shape, dx overwritten. @throws ShapeError
template <class T> void relu_backward(const Tensor<T>& x, const Tensor<T>& dy, Tensor<T>& dx) {
    resize(dx, check_activation_backward("relu_backward", x.shape(), dy.shape()));
    for (std::size_t i = 0; i < x.size(); ++i) { dx.data()[i] = is_positive(x.data()[i]) ? dy.data()[i] : T(0); }
}

/// y = max(x, 0), as a new tensor.
template <class T> Tensor<T> relu_forward(const Tensor<T>& x) {
    Tensor<T> y;
    relu_forward(x, y);
    return y;
}

/// dx = dy where x > 0, else 0, as a new tensor.
template <class T> Tensor<T> relu_backward(const Tensor<T>& x, const Tensor<T>& dy) {
    Tensor<T> dx;
    relu_backward(x, dy, dx);
    return dx;
}

} // namespace handgrad::reference
