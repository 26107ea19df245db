#pragma once

// ## A network of any number of layers
//
// Everything here is written for a batch: a matrix with an input in each row. A single input is a
// batch with one row.
#include <cstddef>
#include <functional>
#include <vector>

#include <handgrad/tensor/linalg.hpp>

#include "handgrad/tensor/tensor.hpp"

using Matrix = handgrad::Tensor<double>;

// The activation functions $f_l$. ReLU and sigmoid work entry by entry.
inline Matrix relu(const Matrix& z) { return xt::maximum(z, 0.0); }
inline Matrix sigmoid(const Matrix& z) { return 1.0 / (1.0 + xt::exp(-z)); }

// Softmax works row by row: it makes the entries of a row positive and their sum 1, so that they
// can be read as probabilities. The sums have the shape (N, 1), and the division repeats them
// across the row. (They get a variable of their own: xtensor computes an expression only when it is
// assigned, and version 0.24 gets a row sum wrong that is still a part of a larger expression.)
inline Matrix softmax(const Matrix& z) {
    const Matrix e = xt::exp(z);
    const Matrix sums = xt::sum(e, {1}, xt::keep_dims);
    return e / sums;
}

// A layer is a weight, a bias, and an activation function.
struct Layer {
    Matrix w;                               // (d_{l-1}, d_l)
    Matrix b;                               // (d_l), added to every row
    std::function<Matrix(const Matrix&)> f; // (N, d_l) -> (N, d_l)
};

// And this is the whole forward pass:
//
// - $o_0 = x$
// - for $l = 1, 2, \dots$ to the last layer:
//   - $z_l = o_{l-1} w_l + b_l$
//   - $o_l = f_l(z_l)$
// - return the last $o_l$
//
// In C++, which counts from 0, layer $l$ is `layers[l - 1]`:
inline Matrix forward(const Matrix& x, const std::vector<Layer>& layers) {
    Matrix o = x;
    for (std::size_t l = 1; l <= layers.size(); ++l) {
        const auto& [w, b, f] = layers[l - 1];
        const Matrix z = xt::linalg::dot(o, w) + b;
        o = f(z);
    }
    return o;
}
