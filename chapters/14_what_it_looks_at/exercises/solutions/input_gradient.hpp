#pragma once
// Exercise 14.4: the gradient of the pixels of a linear softmax classifier.

#include <handgrad/tensor/tensor.hpp>

using handgrad::Labels;
using handgrad::Tensor;
using handgrad::zeros;

// dx = dz w^T with dz = (p - 1[k = y]) / N: a sum of the columns of w.
inline Tensor<double> input_gradient(const Tensor<double>& p, const Labels& y,
                                     const Tensor<double>& w) {
    Tensor<double> dx = zeros<double>({p.shape(0), w.shape(0)});
    const auto N = static_cast<double>(p.shape(0));
    for (std::size_t n = 0; n < p.shape(0); ++n) {
        for (std::size_t k = 0; k < p.shape(1); ++k) {
            const bool is_true = y(n) == static_cast<std::int64_t>(k);
            const double dz = (p(n, k) - (is_true ? 1 : 0)) / N;
            for (std::size_t i = 0; i < w.shape(0); ++i) {
                dx(n, i) += dz * w(i, k);
            }
        }
    }
    return dx;
}
