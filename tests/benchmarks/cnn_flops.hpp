#pragma once
// How much there is to compute in the lecture's CNN.

#include <cstddef>

namespace handgrad::benchmarks {

/// The operations of a training step for one image: additions and multiplications of the convolutions and of the linear
/// layer, forward, for the weights and, but for the first layer, for the input. Biases, ReLU, pooling, loss and step are
/// left out: together they are one or two hundredths of it.
/// @param size pixels in a row and in a column; the lecture's 28 give 2,515,200
inline double flops_an_image(std::size_t size = 28) {
    const auto convolution = [](std::size_t in, std::size_t out, std::size_t result) {
        return 2.0 * static_cast<double>(out * result * result * in * 5 * 5);
    };
    const std::size_t result1 = size - 4, result2 = result1 / 2 - 4, pooled2 = result2 / 2;
    const double conv1 = convolution(1, 10, result1), conv2 = convolution(10, 20, result2);
    const double fc = 2.0 * static_cast<double>(20 * pooled2 * pooled2 * 10);
    return 2 * conv1 + 3 * conv2 + 3 * fc;
}

} // namespace handgrad::benchmarks
