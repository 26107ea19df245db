#pragma once
// Exercise 17.5: the gradient of a tensor that is used in two places.

#include <cstddef>

#include <handgrad/tensor/tensor.hpp>

using handgrad::Labels;
using handgrad::Tensor;

inline Tensor<double> tied_gradient(const Labels& tokens,
                                    const Tensor<double>& x,
                                    const Tensor<double>& dz,
                                    const Tensor<double>& de) {
    Tensor<double> dw = handgrad::zeros<double>({dz.shape(1), x.shape(1)});
    for (std::size_t n = 0; n < x.shape(0); ++n) { // the rows of the embedding
        const auto token = static_cast<std::size_t>(tokens(n));
        for (std::size_t c = 0; c < x.shape(1); ++c) {
            dw(token, c) += de(n, c);
        }
    }
    for (std::size_t k = 0; k < dw.shape(0); ++k) { // dz^T x of the head
        for (std::size_t c = 0; c < dw.shape(1); ++c) {
            double sum = 0;
            for (std::size_t n = 0; n < x.shape(0); ++n) {
                sum += dz(n, k) * x(n, c);
            }
            dw(k, c) += sum;
        }
    }
    return dw;
}
