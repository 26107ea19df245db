#pragma once
// Exercise 09.6: a convolution that takes larger steps.

#include <handgrad/tensor/tensor.hpp>

using handgrad::Tensor;
using handgrad::zeros;

// The last window begins at stride (P - 1), which may be H - R at most. So P - 1 is (H - R) / stride, rounded down, as
// whole numbers are divided in C++.
inline Tensor<double> conv2d_forward(const Tensor<double>& x, const Tensor<double>& w,
                                     const Tensor<double>& b, std::size_t stride) {
    const std::size_t N = x.shape(0), C = w.shape(1), K = w.shape(0), R = w.shape(2),
                      S = w.shape(3);
    const std::size_t P = (x.shape(2) - R) / stride + 1, Q = (x.shape(3) - S) / stride + 1;
    Tensor<double> y = zeros<double>({N, K, P, Q});
    for (std::size_t n = 0; n < N; ++n) {
        for (std::size_t k = 0; k < K; ++k) {
            for (std::size_t p = 0; p < P; ++p) {
                for (std::size_t q = 0; q < Q; ++q) {
                    double sum = b(k);
                    for (std::size_t c = 0; c < C; ++c) {
                        for (std::size_t r = 0; r < R; ++r) {
                            for (std::size_t s = 0; s < S; ++s) {
                                sum += w(k, c, r, s) * x(n, c, stride * p + r, stride * q + s);
                            }
                        }
                    }
                    y(n, k, p, q) = sum;
                }
            }
        }
    }
    return y;
}
