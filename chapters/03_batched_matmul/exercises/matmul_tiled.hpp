#pragma once
// Exercise 03.4: a matrix product in tiles.

#include <algorithm>

#include <handgrad/tensor/tensor.hpp>

using handgrad::Tensor;
using handgrad::zeros;

// c = a b for a (M, K) and b (K, N), so c is (M, N):
//
//     c_ij = sum over k of a_ik b_kj
//
// Cut all three loops into pieces of `tile`: for each tile of c and each piece of k, the three inner loops add up what
// belongs to that piece, so that they touch at most tile x tile entries of each matrix. M, K and N need not be multiples
// of `tile`. Entries are a(i, k), b(k, j), c(i, j).
inline Tensor<double> matmul_tiled(const Tensor<double>& a, const Tensor<double>& b, std::size_t tile) {
    Tensor<double> c = zeros<double>({a.shape(0), b.shape(1)});
    // Your code goes here.
    return c;
}
