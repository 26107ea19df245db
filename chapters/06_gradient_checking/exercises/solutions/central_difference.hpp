#pragma once
// Exercise 06.4: a gradient by central differences.

#include <functional>

#include <handgrad/tensor.hpp>

// One copy of x is moved in one entry at a time, and put back.
inline handgrad::Tensor<double> central_difference(const std::function<double(const handgrad::Tensor<double>&)>& f,
                                                   const handgrad::Tensor<double>& x, double h) {
    handgrad::Tensor<double> g = handgrad::zeros<double>(x.shape());
    handgrad::Tensor<double> moved = x;
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
