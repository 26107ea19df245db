#pragma once
// Exercise 06.4: a gradient by a difference of fourth order.

#include <functional>

#include <handgrad/tensor/tensor.hpp>

using handgrad::Tensor;
using handgrad::zeros;

// `moved` is a copy of x. One entry at a time is changed, and then restored.
inline Tensor<double>
five_point_difference(const std::function<double(const Tensor<double>&)>& f,
                      const Tensor<double>& x, double delta) {
    Tensor<double> dx = zeros<double>(x.shape());
    Tensor<double> moved = x;
    for (std::size_t i = 0; i < x.size(); ++i) {
        const auto f_at = [&](double distance) {
            moved.data()[i] = x.data()[i] + distance;
            return f(moved);
        };
        const double near = f_at(delta) - f_at(-delta);
        const double far = f_at(2 * delta) - f_at(-2 * delta);
        moved.data()[i] = x.data()[i];
        dx.data()[i] = (8 * near - far) / (12 * delta);
    }
    return dx;
}
