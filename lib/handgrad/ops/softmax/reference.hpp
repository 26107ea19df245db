#pragma once
// softmax, in plain loops. Formulas and shapes: softmax.hpp.

#include <cmath>

#include "handgrad/ops/softmax/softmax.hpp"
#include "handgrad/tensor/scalar.hpp"

namespace handgrad {
namespace reference {

/// The largest entry of row n as a real number: it cancels, so its derivative does not matter. NaN if the row contains
/// NaN.
template <class T> auto row_maximum(MatrixView<const T> z, std::size_t n) {
    auto m = value_of(z(n, 0));
    for (std::size_t k = 1; k < z.columns; ++k) {
        const auto v = value_of(z(n, k));
        if (v > m || v != v) { m = v; }
    }
    return m;
}

} // namespace reference

template <> template <class T> void SoftmaxKernels<OnReference>::forward(MatrixView<const T> z, MatrixView<T> p) {
    using std::exp;
    for (std::size_t n = 0; n < z.rows; ++n) {
        const auto m = reference::row_maximum(z, n);
        T sum(0);
        for (std::size_t k = 0; k < z.columns; ++k) {
            p(n, k) = exp(z(n, k) - T(m));
            sum += p(n, k);
        }
        for (std::size_t k = 0; k < z.columns; ++k) { p(n, k) /= sum; }
    }
}

template <> template <class T>
void SoftmaxKernels<OnReference>::backward(MatrixView<const T> p, MatrixView<const T> dp, MatrixView<T> dz) {
    for (std::size_t n = 0; n < p.rows; ++n) {
        T mean(0); // mean of dp with the weights p
        for (std::size_t k = 0; k < p.columns; ++k) { mean += dp(n, k) * p(n, k); }
        for (std::size_t k = 0; k < p.columns; ++k) { dz(n, k) = p(n, k) * (dp(n, k) - mean); }
    }
}

HANDGRAD_REFERENCE_KERNEL(SoftmaxKernels<OnReference>::forward)
HANDGRAD_REFERENCE_KERNEL(SoftmaxKernels<OnReference>::backward)

} // namespace handgrad
