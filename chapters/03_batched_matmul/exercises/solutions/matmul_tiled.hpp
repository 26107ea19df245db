#pragma once
// Exercise 03.4: a matrix product in tiles.

#include <algorithm>

#include <handgrad/tensor/tensor.hpp>

using handgrad::Tensor;
using handgrad::zeros;

// Six loops: three over tiles, three within a tile. std::min ends the last tile of each row and column where the matrix
// ends.
inline Tensor<double> matmul_tiled(const Tensor<double>& a, const Tensor<double>& b, std::size_t tile) {
    const std::size_t M = a.shape(0), K = a.shape(1), N = b.shape(1);
    Tensor<double> c = zeros<double>({M, N});
    for (std::size_t i0 = 0; i0 < M; i0 += tile) {
        for (std::size_t j0 = 0; j0 < N; j0 += tile) {
            for (std::size_t k0 = 0; k0 < K; k0 += tile) {
                for (std::size_t i = i0; i < std::min(i0 + tile, M); ++i) {
                    for (std::size_t k = k0; k < std::min(k0 + tile, K); ++k) {
                        for (std::size_t j = j0; j < std::min(j0 + tile, N); ++j) { c(i, j) += a(i, k) * b(k, j); }
                    }
                }
            }
        }
    }
    return c;
}
