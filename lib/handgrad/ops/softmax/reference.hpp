#pragma once
/// @file
/// softmax, in plain loops. Formulas, shapes and derivation: contract/softmax.hpp.

#include <cmath>

#include "handgrad/ops/softmax/softmax.hpp"
#include "handgrad/tensor/scalar.hpp"

namespace handgrad::reference {

/// The largest entry of row n of z, as a plain number: it is subtracted from the row and cancels, so it carries no
/// derivative. NaN, if there is one, is returned.
template <class T> auto row_maximum(const Tensor<T>& z, std::size_t n) {
    auto m = value_of(z(n, 0));
    for (std::size_t k = 1; k < z.shape(1); ++k) {
        const auto v = value_of(z(n, k));
        if (v > m || v != v) { m = v; }
    }
    return m;
}

/// p = softmax(z), row by row: z and p (N, K). @throws ShapeError
template <class T> void softmax_forward(const Tensor<T>& z, Tensor<T>& p) {
    using std::exp;
    resize(p, check_softmax_forward(z.shape()));
    for (std::size_t n = 0; n < z.shape(0); ++n) {
        const auto m = row_maximum(z, n);
        T sum(0);
        for (std::size_t k = 0; k < z.shape(1); ++k) {
            p(n, k) = exp(z(n, k) - T(m));
            sum += p(n, k);
        }
        for (std::size_t k = 0; k < z.shape(1); ++k) { p(n, k) /= sum; }
    }
}

/// dz_k = p_k (dp_k - sum_j dp_j p_j), row by row: p, dp and dz (N, K). @throws ShapeError
template <class T> void softmax_backward(const Tensor<T>& p, const Tensor<T>& dp, Tensor<T>& dz) {
    resize(dz, check_softmax_backward(p.shape(), dp.shape()));
    for (std::size_t n = 0; n < p.shape(0); ++n) {
        T mean(0); // of dp, weighted with p
        for (std::size_t k = 0; k < p.shape(1); ++k) { mean += dp(n, k) * p(n, k); }
        for (std::size_t k = 0; k < p.shape(1); ++k) { dz(n, k) = p(n, k) * (dp(n, k) - mean); }
    }
}

/// p = softmax(z), as a new tensor.
template <class T> Tensor<T> softmax_forward(const Tensor<T>& z) {
    Tensor<T> p;
    softmax_forward(z, p);
    return p;
}

/// The gradient of softmax, as a new tensor.
template <class T> Tensor<T> softmax_backward(const Tensor<T>& p, const Tensor<T>& dp) {
    Tensor<T> dz;
    softmax_backward(p, dp, dz);
    return dz;
}

} // namespace handgrad::reference
