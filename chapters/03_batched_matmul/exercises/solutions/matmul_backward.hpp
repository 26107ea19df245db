#pragma once
// Exercise 03.5: backward through a matrix product.

#include <handgrad/tensor/tensor.hpp>

using handgrad::Tensor;
using handgrad::zeros;

struct MatmulGradients {
    Tensor<double> da; // (M, K), as a
    Tensor<double> db; // (K, N), as b
};

// da = dc b^T and db = a^T dc: each product of the forward sum, a_ik b_kj for c_ij, gives one term to da_ik and one to
// db_kj.
inline MatmulGradients matmul_backward(const Tensor<double>& a, const Tensor<double>& b, const Tensor<double>& dc) {
    MatmulGradients g{zeros<double>(a.shape()), zeros<double>(b.shape())};
    for (std::size_t i = 0; i < a.shape(0); ++i) {
        for (std::size_t k = 0; k < a.shape(1); ++k) {
            for (std::size_t j = 0; j < b.shape(1); ++j) {
                g.da(i, k) += dc(i, j) * b(k, j);
                g.db(k, j) += dc(i, j) * a(i, k);
            }
        }
    }
    return g;
}
