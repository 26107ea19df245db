#pragma once
// Exercise 13.6: a shifted image.
// Background: chapter 13, the section about what the network sees.

#include <cstddef>

#include <handgrad/tensor/tensor.hpp>

using handgrad::Tensor;

// The image x (H, W), moved down by `rows` and to the right by `columns`; a
// negative number moves it up or to the left. The result y has the same shape.
// What leaves the image is lost, and zeros move in. A shift may be larger than
// the image.
inline Tensor<double> shift(const Tensor<double>& x, int rows, int columns) {
    Tensor<double> y = handgrad::zeros<double>(x.shape());
    // Your code goes here.
    return y;
}
