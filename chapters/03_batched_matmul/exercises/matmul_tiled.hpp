#pragma once
// Exercise 03.4: a matrix product in tiles.
// Background: chapter 03, the section about tiles.

#include <algorithm>

#include <handgrad/tensor/tensor.hpp>

using handgrad::Tensor;
using handgrad::zeros;

// c = a b for a (N, D) and b (D, K), so c is (N, K):
//
//     c_nk = sum over i of a_ni b_ik
//
// Divide all three loops into pieces of length `tile`: three outer loops over
// the pieces, three inner loops within them. The inner loops then touch at most
// tile x tile entries of each matrix. N, D and K need not be multiples of
// `tile`. Entries are a(n, i), b(i, k) and c(n, k).
inline Tensor<double> matmul_tiled(const Tensor<double>& a,
                                   const Tensor<double>& b, std::size_t tile) {
    Tensor<double> c = zeros<double>({a.shape(0), b.shape(1)});
    // Your code goes here.
    return c;
}
