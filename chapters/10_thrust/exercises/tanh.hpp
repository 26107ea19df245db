#pragma once
// Exercise 10.4: tanh, backward, with one call of thrust::transform.
// Background: chapter 10, the section about transform, and the book's page
// "Activations" (lib/handgrad/ops/activation/activation.md).

#include <cstddef>

#include <thrust/transform.h>

#include <sizes.hpp> // ON_DEVICE

// Forward was y = tanh(x), so dx_i = dy_i (1 - y_i^2). This function object
// computes one entry of dx:
struct TanhGradient {
    ON_DEVICE float operator()(float y, float dy) const {
        // Your code goes here.
        return 0;
    }
};

// y, dy and dx are arrays of n numbers in the memory of the policy. Let
// thrust::transform apply TanhGradient to all entries; ReluGradient in
// entrywise.hpp shows a transform with two input ranges.
template <class Policy> void tanh_backward(const Policy& policy, const float* y,
                                           const float* dy, float* dx,
                                           std::size_t n) {
    // Your code goes here.
}
