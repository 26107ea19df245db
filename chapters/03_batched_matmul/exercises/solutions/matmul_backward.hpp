#pragma once
// Exercise 03.5: backward through a matrix product.

#include <handgrad/tensor/tensor.hpp>

using handgrad::Tensor;
using handgrad::zeros;

struct MatmulGradients {
    Tensor<double> da; // (N, D), as a
    Tensor<double> db; // (D, K), as b
};

// da = dc b^T and db = a^T dc. Each product a_ni b_ik of the sum for c_nk gives
// one term of da_ni and one of db_ik.
inline MatmulGradients matmul_backward(const Tensor<double>& a,
                                       const Tensor<double>& b,
                                       const Tensor<double>& dc) {
    MatmulGradients g{zeros<double>(a.shape()), zeros<double>(b.shape())};
    for (std::size_t n = 0; n < a.shape(0); ++n) {
        for (std::size_t i = 0; i < a.shape(1); ++i) {
            for (std::size_t k = 0; k < b.shape(1); ++k) {
                g.da(n, i) += dc(n, k) * b(i, k);
                g.db(i, k) += dc(n, k) * a(n, i);
            }
        }
    }
    return g;
}
