#pragma once
// Exercise 04.5: from the scores to the parameters, with the penalty.

#include <handgrad/tensor/tensor.hpp>

using handgrad::Tensor;
using handgrad::zeros;

struct ClassifierGradients {
    Tensor<double> dw; // (D, K)
    Tensor<double> db; // (K)
};

// dw = x^T du + lambda w, db = the sum of du over the points. The mean over the batch is in du already.
inline ClassifierGradients classifier_backward(const Tensor<double>& x, const Tensor<double>& w,
                                               double lambda, const Tensor<double>& du) {
    ClassifierGradients g{lambda * w, zeros<double>({w.shape(1)})};
    for (std::size_t n = 0; n < x.shape(0); ++n) {
        for (std::size_t k = 0; k < w.shape(1); ++k) {
            for (std::size_t d = 0; d < w.shape(0); ++d) { g.dw(d, k) += x(n, d) * du(n, k); }
            g.db(k) += du(n, k);
        }
    }
    return g;
}
