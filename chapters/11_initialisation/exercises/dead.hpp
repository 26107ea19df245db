#pragma once
// Exercise 11.5: the share of dead units.
// Background: chapter 11, the section about the unusable units.

#include <handgrad/tensor/tensor.hpp>

using handgrad::Tensor;

// Returns the share, from 0 to 1, of the dead units of a ReLU layer with the
// outputs o, (N, M): N examples in the rows, M units in the columns. A unit is
// dead if its output is 0 for every example.
inline double dead_share(const Tensor<double>& o) {
    // Your code goes here.
    return -1;
}
