#pragma once
// Exercise 03.4: a matrix product in tiles.

#include <algorithm>

#include <handgrad/tensor/tensor.hpp>

using handgrad::Tensor;
using handgrad::zeros;

// Six loops: three over the tiles, three within a tile. std::min ends the last
// tile of each row and column where the matrix ends.
inline Tensor<double> matmul_tiled(const Tensor<double>& a,
                                   const Tensor<double>& b, std::size_t tile) {
    const std::size_t N = a.shape(0), D = a.shape(1), K = b.shape(1);
    Tensor<double> c = zeros<double>({N, K});
    for (std::size_t n0 = 0; n0 < N; n0 += tile) {
        for (std::size_t k0 = 0; k0 < K; k0 += tile) {
            for (std::size_t i0 = 0; i0 < D; i0 += tile) {
                const std::size_t n1 = std::min(n0 + tile, N);
                const std::size_t k1 = std::min(k0 + tile, K);
                const std::size_t i1 = std::min(i0 + tile, D);
                for (std::size_t n = n0; n < n1; ++n) {
                    for (std::size_t i = i0; i < i1; ++i) {
                        for (std::size_t k = k0; k < k1; ++k) {
                            c(n, k) += a(n, i) * b(i, k);
                        }
                    }
                }
            }
        }
    }
    return c;
}
