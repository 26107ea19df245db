#pragma once
/// @file
/// Softmax cross-entropy, in plain loops. Formulas, shapes and derivation: contract/cross_entropy.hpp.

#include <cmath>

#include "handgrad/ops/cross_entropy/cross_entropy.hpp"
#include "handgrad/ops/softmax/reference.hpp"

namespace handgrad::reference {

/// Returns the mean of log sum_j exp(z_nj) - z_ny, and p = softmax(z): z and p (N, K), y (N,). @throws ShapeError
template <class T> T cross_entropy_forward(const Tensor<T>& z, const Labels& y, Tensor<T>& p) {
    using std::exp;
    using std::log;
    check_cross_entropy("cross_entropy_forward", z.shape(), y);
    require_cross_entropy_apart(z, p);
    softmax_forward(z, p);
    T loss(0);
    for (std::size_t n = 0; n < z.shape(0); ++n) {
        const auto m = row_maximum(z, n);
        T sum(0);
        for (std::size_t k = 0; k < z.shape(1); ++k) { sum += exp(z(n, k) - T(m)); }
        loss += log(sum) - (z(n, y(n)) - T(m));
    }
    using Real = decltype(value_of(loss));
    return loss / T(static_cast<Real>(z.shape(0)));
}

/// dz_nk = (p_nk - 1[k = y_n]) / N: p and dz (N, K), y (N,); dz overwritten. @throws ShapeError
template <class T> void cross_entropy_backward(const Tensor<T>& p, const Labels& y, Tensor<T>& dz) {
    check_cross_entropy("cross_entropy_backward", p.shape(), y);
    resize(dz, p.shape());
    using Real = decltype(value_of(p(0, 0)));
    const T batch(static_cast<Real>(p.shape(0)));
    for (std::size_t n = 0; n < p.shape(0); ++n) {
        for (std::size_t k = 0; k < p.shape(1); ++k) {
            const bool is_true_class = k == static_cast<std::size_t>(y(n));
            dz(n, k) = (p(n, k) - T(is_true_class ? 1 : 0)) / batch;
        }
    }
}

/// The mean loss alone.
template <class T> T cross_entropy_forward(const Tensor<T>& z, const Labels& y) {
    Tensor<T> p;
    return cross_entropy_forward(z, y, p);
}

/// The gradient, as a new tensor.
template <class T> Tensor<T> cross_entropy_backward(const Tensor<T>& p, const Labels& y) {
    Tensor<T> dz;
    cross_entropy_backward(p, y, dz);
    return dz;
}

/// How many rows of z (N, K) have their largest entry, the first of equals or of NaN, at their label y (N,).
/// @throws ShapeError
template <class T> std::size_t count_correct(const Tensor<T>& z, const Labels& y) {
    check_cross_entropy("count_correct", z.shape(), y);
    std::size_t correct = 0;
    for (std::size_t n = 0; n < z.shape(0); ++n) {
        std::size_t best = 0;
        for (std::size_t k = 1; k < z.shape(1); ++k) {
            const auto score = value_of(z(n, k)), most = value_of(z(n, best));
            const bool is_first_nan = score != score && most == most;
            if (score > most || is_first_nan) { best = k; }
        }
        if (best == static_cast<std::size_t>(y(n))) { ++correct; }
    }
    return correct;
}

} // namespace handgrad::reference
