#pragma once
// Exercise 09.5: the gradients of a convolution's filters and biases.

#include <handgrad/tensor/tensor.hpp>

using handgrad::Tensor;
using handgrad::zeros;

struct Conv2dGradientsOfParameters {
    Tensor<double> dw; // (C_out, C_in, R, S)
    Tensor<double> db; // (C_out)
};

// A weight is used at every place (p, q) of every image, multiplied by the
// pixel below it; a bias is used at every place, too, multiplied by 1.
inline Conv2dGradientsOfParameters conv2d_backward(const Tensor<double>& x,
                                                   const Tensor<double>& dy) {
    const std::size_t C_in = x.shape(1), H = x.shape(2), W = x.shape(3);
    const std::size_t C_out = dy.shape(1), P = dy.shape(2), Q = dy.shape(3);
    const std::size_t R = H - P + 1, S = W - Q + 1;
    Conv2dGradientsOfParameters g{zeros<double>({C_out, C_in, R, S}),
                                  zeros<double>({C_out})};
    for (std::size_t n = 0; n < x.shape(0); ++n) {
        for (std::size_t k = 0; k < C_out; ++k) {
            for (std::size_t p = 0; p < P; ++p) {
                for (std::size_t q = 0; q < Q; ++q) {
                    const double dy_here = dy(n, k, p, q);
                    g.db(k) += dy_here;
                    for (std::size_t c = 0; c < C_in; ++c) {
                        for (std::size_t r = 0; r < R; ++r) {
                            for (std::size_t s = 0; s < S; ++s) {
                                g.dw(k, c, r, s) +=
                                    dy_here * x(n, c, p + r, q + s);
                            }
                        }
                    }
                }
            }
        }
    }
    return g;
}
