#pragma once
// Exercise 16.5: clipping by norm.

#include <cmath>
#include <vector>

#include <handgrad/tensor/tensor.hpp>

using handgrad::Tensor;

inline void clip_by_norm(std::vector<Tensor<double>>& gradients, double limit) {
    double squares = 0;
    for (const Tensor<double>& gradient : gradients) {
        for (const double entry : gradient) { squares += entry * entry; }
    }
    const double norm = std::sqrt(squares);
    if (norm <= limit) { return; }
    for (Tensor<double>& gradient : gradients) {
        for (double& entry : gradient) { entry *= limit / norm; }
    }
}
