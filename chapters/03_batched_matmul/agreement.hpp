#pragma once
// How we know that a fast product is a product.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>

#include <handgrad/tensor/random.hpp>
#include <handgrad/tensor/tensor.hpp>

// Small whole numbers, -4 .. 4. Their products and all partial sums are whole numbers below
// $2^{24}$, which float represents exactly. Nothing is rounded, so the order of the additions does
// not matter and results must be equal.
template <class T> handgrad::Tensor<T>
whole_numbers(const handgrad::Shape& shape, handgrad::Random& random) {
    auto t = handgrad::zeros<T>(shape);
    for (T& value : t.storage()) {
        value = static_cast<T>(random.below(9)) - T(4);
    }
    return t;
}

// Numbers with a fraction, -1 .. 1. Now sums in different orders differ by rounding.
template <class T> handgrad::Tensor<T> fractions(const handgrad::Shape& shape,
                                                 handgrad::Random& random) {
    auto t = handgrad::zeros<T>(shape);
    handgrad::uniform_(t, -1.0, 1.0, random);
    return t;
}

// The number of entries that are not equal. (NaN counts, since it equals nothing.)
template <class T> std::size_t different(const handgrad::Tensor<T>& c,
                                         const handgrad::Tensor<T>& first) {
    std::size_t count = 0;
    for (std::size_t m = 0; m < c.size(); ++m) {
        count += c.data()[m] == first.data()[m] ? 0 : 1;
    }
    return count;
}

// A sum of D products of floats, added in any order, with or without fused multiply-adds, is wrong
// by at most $\frac{D \cdot 2^{-24}}{1 - D \cdot 2^{-24}} \sum_i |a_{ni}| |b_{ik}|$ (N. J. Higham,
// "Accuracy and Stability of Numerical Algorithms", 2nd edition, section 3.5). $2^{-24}$ is the
// unit roundoff, half the distance from 1 to the next float; for doubles it is $2^{-53}$. Two such
// sums differ by at most twice that.
//
// This function returns the largest difference of two products in units of that bound. If it is
// above 1, one of the two is not a product of a and b.
template <class T> double error_over_bound(const handgrad::Tensor<T>& c,
                                           const handgrad::Tensor<T>& first,
                                           const handgrad::Tensor<T>& a,
                                           const handgrad::Tensor<T>& b) {
    const std::size_t N = a.shape(0), D = a.shape(1), K = b.shape(1);
    const double roundoff = double(std::numeric_limits<T>::epsilon()) / 2;
    const double relative = double(D) * roundoff;
    double worst = 0;
    for (std::size_t n = 0; n < N; ++n) {
        for (std::size_t k = 0; k < K; ++k) {
            double sum = 0;
            for (std::size_t i = 0; i < D; ++i) {
                sum += std::abs(double(a(n, i))) * std::abs(double(b(i, k)));
            }
            const double error =
                std::abs(double(c(n, k)) - double(first(n, k)));
            const double ratio =
                error == 0 ? 0 : error / (2 * relative / (1 - relative) * sum);
            const bool larger = !(ratio <= worst); // or NaN
            if (larger) { worst = ratio; }
        }
    }
    return worst;
}
