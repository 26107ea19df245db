#pragma once
// Exercise 11.5: the share of dead units.

#include <handgrad/tensor/tensor.hpp>

using handgrad::Tensor;

// One example that makes it more than 0 keeps a unit alive.
inline double dead_share(const Tensor<double>& o) {
    const std::size_t N = o.shape(0), M = o.shape(1);
    double dead = 0;
    for (std::size_t j = 0; j < M; ++j) {
        bool alive = false;
        for (std::size_t n = 0; n < N; ++n) {
            if (o(n, j) > 0) { alive = true; }
        }
        if (!alive) { dead += 1; }
    }
    return dead / static_cast<double>(M);
}
