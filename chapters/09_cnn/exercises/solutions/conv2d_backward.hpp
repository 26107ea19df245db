#pragma once
// Exercise 09.5: the gradients of a convolution's filters and biases.

#include <handgrad/tensor/tensor.hpp>

using handgrad::Tensor;
using handgrad::zeros;

struct Conv2dGradientsOfParameters {
    Tensor<double> dw; // (K, C, R, S)
    Tensor<double> db; // (K)
};

// A weight takes part at every place (p, q) of every image, each time multiplied by the pixel beneath it; a bias at every
// place, too, multiplied by 1.
inline Conv2dGradientsOfParameters conv2d_backward(const Tensor<double>& x,
                                                   const Tensor<double>& dy) {
    const std::size_t N = x.shape(0), C = x.shape(1), H = x.shape(2), W = x.shape(3);
    const std::size_t K = dy.shape(1), P = dy.shape(2), Q = dy.shape(3);
    const std::size_t R = H - P + 1, S = W - Q + 1;
    Conv2dGradientsOfParameters g{zeros<double>({K, C, R, S}), zeros<double>({K})};
    for (std::size_t n = 0; n < N; ++n) {
        for (std::size_t k = 0; k < K; ++k) {
            for (std::size_t p = 0; p < P; ++p) {
                for (std::size_t q = 0; q < Q; ++q) {
                    g.db(k) += dy(n, k, p, q);
                    for (std::size_t c = 0; c < C; ++c) {
                        for (std::size_t r = 0; r < R; ++r) {
                            for (std::size_t s = 0; s < S; ++s) {
                                g.dw(k, c, r, s) += dy(n, k, p, q) * x(n, c, p + r, q + s);
                            }
                        }
                    }
                }
            }
        }
    }
    return g;
}
