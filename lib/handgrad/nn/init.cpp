#include "handgrad/nn/init.hpp"

#include <cmath>

#include <fmt/format.h>

#include "handgrad/error.hpp"

namespace handgrad::nn {

double calculate_gain(Nonlinearity nonlinearity, double a) {
    switch (nonlinearity) {
    case Nonlinearity::tanh:
        return 5.0 / 3;
    case Nonlinearity::relu:
        return std::sqrt(2.0);
    case Nonlinearity::leaky_relu:
        return std::sqrt(2 / (1 + a * a));
    case Nonlinearity::selu:
        return 0.75;
    default:
        return 1;
    }
}

std::pair<std::size_t, std::size_t> fans(const Shape& weight) {
    require<ShapeError>(weight.size() == 2 || weight.size() == 4,
                        "init: the weight has shape {}, expected (D_in, D_out) or (C_out, C_in, R, S)",
                        handgrad::to_string(weight));
    if (weight.size() == 2) { return {weight[0], weight[1]}; }
    const std::size_t window = weight[2] * weight[3];
    return {weight[1] * window, weight[0] * window};
}

double kaiming_std(const Shape& weight, double a, FanMode mode, Nonlinearity nonlinearity) {
    const auto [fan_in, fan_out] = fans(weight);
    const std::size_t fan = mode == FanMode::fan_in ? fan_in : fan_out;
    require_at_least("init", mode == FanMode::fan_in ? "fan_in" : "fan_out", fan, 1);
    return calculate_gain(nonlinearity, a) / std::sqrt(static_cast<double>(fan));
}

double xavier_std(const Shape& weight, double gain) {
    const auto [fan_in, fan_out] = fans(weight);
    require_at_least("init", "fan_in + fan_out", fan_in + fan_out, 1);
    return gain * std::sqrt(2 / static_cast<double>(fan_in + fan_out));
}

} // namespace handgrad::nn
