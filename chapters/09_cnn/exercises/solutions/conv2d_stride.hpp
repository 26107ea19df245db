#pragma once
// Exercise 09.6: a convolution with a stride.

#include <handgrad/tensor/tensor.hpp>

using handgrad::Tensor;
using handgrad::zeros;

// The last window begins at stride (P - 1), which is at most H - R. So P - 1 is
// (H - R) / stride, rounded down, as C++ divides whole numbers.
inline Tensor<double> conv2d_forward(const Tensor<double>& x,
                                     const Tensor<double>& w,
                                     const Tensor<double>& b,
                                     std::size_t stride) {
    const std::size_t C_out = w.shape(0), C_in = w.shape(1);
    const std::size_t R = w.shape(2), S = w.shape(3);
    const std::size_t P = (x.shape(2) - R) / stride + 1;
    const std::size_t Q = (x.shape(3) - S) / stride + 1;
    Tensor<double> y = zeros<double>({x.shape(0), C_out, P, Q});
    for (std::size_t n = 0; n < x.shape(0); ++n) {
        for (std::size_t k = 0; k < C_out; ++k) {
            for (std::size_t p = 0; p < P; ++p) {
                for (std::size_t q = 0; q < Q; ++q) {
                    const std::size_t top = stride * p, left = stride * q;
                    double sum = b(k);
                    for (std::size_t c = 0; c < C_in; ++c) {
                        for (std::size_t r = 0; r < R; ++r) {
                            for (std::size_t s = 0; s < S; ++s) {
                                sum +=
                                    w(k, c, r, s) * x(n, c, top + r, left + s);
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
