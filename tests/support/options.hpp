#pragma once
// Options of operations in one expression.

#include <cstddef>

#include "handgrad/ops/conv2d/conv2d.hpp"
#include "handgrad/ops/sgd/sgd.hpp"

namespace support {

/// All algorithms of conv2d.
constexpr handgrad::ConvAlgorithm conv_algorithms[] = {
    handgrad::ConvAlgorithm::automatic, handgrad::ConvAlgorithm::im2col, handgrad::ConvAlgorithm::direct,
    handgrad::ConvAlgorithm::channels_last, handgrad::ConvAlgorithm::winograd};

inline handgrad::Conv2dOptions conv(handgrad::Size2d stride, handgrad::Size2d padding = 0,
                                    handgrad::Size2d dilation = 1, std::size_t groups = 1) {
    handgrad::Conv2dOptions options;
    options.stride = stride;
    options.padding = padding;
    options.dilation = dilation;
    options.groups = groups;
    return options;
}

/// The options of SGD with this learning rate and momentum.
inline handgrad::SgdOptions sgd(double lr, double momentum = 0) {
    handgrad::SgdOptions options;
    options.lr = lr;
    options.momentum = momentum;
    return options;
}

} // namespace support
