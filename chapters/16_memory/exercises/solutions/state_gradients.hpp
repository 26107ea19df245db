#pragma once
// Exercise 16.4: the gradients of all states of an RNN.

#include <cstddef>

#include <handgrad/tensor/tensor.hpp>

using handgrad::Tensor;

inline Tensor<double> state_gradients(const Tensor<double>& h,
                                      const Tensor<double>& w,
                                      const Tensor<double>& dy) {
    const std::size_t T = h.shape(0), M = h.shape(1);
    Tensor<double> dh = dy;
    for (std::size_t t = T - 1; t > 0; --t) { // from step t to step t - 1
        for (std::size_t k = 0; k < M; ++k) {
            const double slope = 1 - h(t, k) * h(t, k);
            const double dz = dh(t, k) * slope;
            for (std::size_t j = 0; j < M; ++j) {
                dh(t - 1, j) += dz * w(j, k);
            }
        }
    }
    return dh;
}
