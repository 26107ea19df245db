#pragma once
// Exercise 04.5: from the scores to the parameters, with weights stored as in
// PyTorch.

#include <handgrad/tensor/tensor.hpp>

using handgrad::Tensor;
using handgrad::zeros;

struct ClassifierGradients {
    Tensor<double> dw; // (K, D): transposed, compared with the chapter
    Tensor<double> db; // (K)
};

// dw = dz^T x + lambda w, and db is the sum of dz over the examples. The mean
// over the mini-batch is already contained in dz.
inline ClassifierGradients classifier_backward(const Tensor<double>& x,
                                               const Tensor<double>& w,
                                               double lambda,
                                               const Tensor<double>& dz) {
    ClassifierGradients g{lambda * w, zeros<double>({w.shape(0)})};
    for (std::size_t n = 0; n < x.shape(0); ++n) {
        for (std::size_t k = 0; k < w.shape(0); ++k) {
            for (std::size_t i = 0; i < w.shape(1); ++i) {
                g.dw(k, i) += dz(n, k) * x(n, i);
            }
            g.db(k) += dz(n, k);
        }
    }
    return g;
}
