#pragma once

// ## A network of L layers
//
// Everything here is written for a batch: a matrix with an input in each row. One input is a batch with one row.
#include <cstddef>
#include <functional>
#include <vector>

#include <handgrad/tensor/linalg.hpp>

#include "handgrad/tensor/tensor.hpp"

using Matrix = handgrad::Tensor<double>;

// The activation functions $\sigma$. ReLU and sigmoid work entry by entry.
inline Matrix relu(const Matrix& z) { return xt::maximum(z, 0.0); }
inline Matrix sigmoid(const Matrix& z) { return 1.0 / (1.0 + xt::exp(-z)); }

// Softmax works row by row: it makes the entries of a row positive and their sum 1, so that they can be read as
// probabilities. The sums have the shape $N \times 1$, and the division repeats them across the row. (They get a
// variable of their own: xtensor computes an expression only when it is assigned, and version 0.24 gets a row sum wrong
// that is still a part of a larger expression.)
inline Matrix softmax(const Matrix& z) {
    const Matrix e = xt::exp(z);
    const Matrix sums = xt::sum(e, {1}, xt::keep_dims);
    return e / sums;
}

// A layer is a weight, a bias, and an activation function.
struct Layer {
    Matrix w;                                   // d_{i-1} x d_i
    Matrix b;                                   // d_i, added to every row
    std::function<Matrix(const Matrix&)> sigma; // (N x d_i) -> (N x d_i)
};

// And this is the whole forward pass. On the lecture's slide:
//
// - $o_0 = x'$
// - for $i = 1, \dots, L$:
//   - $z_i = o_{i-1} w_i + b_i$
//   - $o_i = \sigma_i(z_i)$
// - return $o_L$
//
// In C++, counting from 0 as it does, layer $i$ is `layers[i - 1]`:
inline Matrix forward(const Matrix& x, const std::vector<Layer>& layers) {
    Matrix o = x;
    for (std::size_t i = 1; i <= layers.size(); ++i) {
        const auto& [w, b, sigma] = layers[i - 1];
        const Matrix z = xt::linalg::dot(o, w) + b;
        o = sigma(z);
    }
    return o;
}
