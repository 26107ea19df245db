#pragma once
// Exercise 13.6: a shifted image.

#include <cstddef>

#include <handgrad/tensor/tensor.hpp>

using handgrad::Tensor;

inline Tensor<double> shift(const Tensor<double>& x, int rows, int columns) {
    Tensor<double> y = handgrad::zeros<double>(x.shape());
    const int height = static_cast<int>(x.shape(0));
    const int width = static_cast<int>(x.shape(1));
    for (int h = 0; h < height; ++h) {
        for (int w = 0; w < width; ++w) {
            const int from_h = h - rows, from_w = w - columns;
            const bool inside = from_h >= 0 && from_h < height && //
                                from_w >= 0 && from_w < width;
            if (inside) { y(h, w) = x(from_h, from_w); }
        }
    }
    return y;
}
