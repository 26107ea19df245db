#pragma once
// Exercise 06.4: a gradient by central differences.

#include <functional>

#include <handgrad/tensor/tensor.hpp>

using handgrad::Tensor;
using handgrad::zeros;

// One copy of x is moved in one entry at a time, and put back.
inline Tensor<double> central_difference(const std::function<double(const Tensor<double>&)>& f,
                                         const Tensor<double>& x, double h) {
    Tensor<double> g = zeros<double>(x.shape());
    Tensor<double> moved = x;
    for (std::size_t i = 0; i < x.size(); ++i) {
        moved.data()[i] = x.data()[i] + h;
        const double above = f(moved);
        moved.data()[i] = x.data()[i] - h;
        const double below = f(moved);
        moved.data()[i] = x.data()[i];
        g.data()[i] = (above - below) / (2 * h);
    }
    return g;
}
