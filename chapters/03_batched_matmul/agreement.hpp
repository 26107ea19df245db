#pragma once
// How we know that a fast product is a product.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>

#include <handgrad/tensor/random.hpp>
#include <handgrad/tensor/tensor.hpp>

// Small whole numbers, -4 .. 4. Their products and all partial sums are whole numbers below $2^{24}$, which float
// represents exactly. Nothing is rounded, so the order of the additions does not matter and results must be equal.
template <class T> handgrad::Tensor<T> whole_numbers(const handgrad::Shape& shape, handgrad::Random& random) {
    auto t = handgrad::zeros<T>(shape);
    for (T& value : t.storage()) { value = static_cast<T>(random.below(9)) - T(4); }
    return t;
}

// Numbers with a fraction, -1 .. 1. Now sums in different orders differ by rounding.
template <class T> handgrad::Tensor<T> fractions(const handgrad::Shape& shape, handgrad::Random& random) {
    auto t = handgrad::zeros<T>(shape);
    handgrad::uniform_(t, -1.0, 1.0, random);
    return t;
}

// How many entries are not the same number. (NaN counts, it equals nothing.)
template <class T> std::size_t different(const handgrad::Tensor<T>& c, const handgrad::Tensor<T>& first) {
    std::size_t count = 0;
    for (std::size_t i = 0; i < c.size(); ++i) { count += c.data()[i] == first.data()[i] ? 0 : 1; }
    return count;
}

// A sum of K products, added in any order, with or without fused multiply-adds, is wrong by at most
// $\gamma_K \sum_k |a_{ik}| |b_{kj}|$ with $\gamma_K = K u / (1 - K u)$, where u is half the distance from 1 to the next
// number (N. J. Higham, "Accuracy and Stability of Numerical Algorithms", 2nd edition, section 3.5). Two of them differ
// by at most twice that.
//
// Returns the largest difference in units of that bound: above 1, one of the two is not a product of a and b.
template <class T> double error_over_bound(const handgrad::Tensor<T>& c, const handgrad::Tensor<T>& first,
                                           const handgrad::Tensor<T>& a, const handgrad::Tensor<T>& b) {
    const std::size_t M = a.shape(0), K = a.shape(1), N = b.shape(1);
    const double Ku = static_cast<double>(K) * static_cast<double>(std::numeric_limits<T>::epsilon()) / 2;
    double worst = 0;
    for (std::size_t i = 0; i < M; ++i) {
        for (std::size_t j = 0; j < N; ++j) {
            double sum = 0;
            for (std::size_t k = 0; k < K; ++k) {
                sum += std::abs(static_cast<double>(a(i, k))) * std::abs(static_cast<double>(b(k, j)));
            }
            const double error = std::abs(static_cast<double>(c(i, j)) - static_cast<double>(first(i, j)));
            const double ratio = error == 0 ? 0 : error / (2 * Ku / (1 - Ku) * sum);
            if (!(ratio <= worst)) { worst = ratio; } // so that NaN gets through
        }
    }
    return worst;
}
