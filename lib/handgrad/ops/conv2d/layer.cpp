#include "handgrad/ops/conv2d/layer.hpp"

#include <fmt/format.h>

namespace handgrad::nn {

Shape conv2d_weight_shape(std::size_t in_channels, std::size_t out_channels, Size2d kernel_size,
                          const Conv2dOptions& options) {
    require_at_least("Conv2d", "in_channels", in_channels, 1);
    require_at_least("Conv2d", "out_channels", out_channels, 1);
    check_conv2d_options("Conv2d", kernel_size, options);
    const std::size_t groups = options.groups;
    if (groups == 0 || in_channels % groups != 0 || out_channels % groups != 0) {
        throw ShapeError(fmt::format("Conv2d: groups is {}, expected a divisor of {} input and {} output channels",
                                     as_written(groups), in_channels, out_channels));
    }
    return {out_channels, in_channels / groups, kernel_size.h, kernel_size.w};
}

std::string printed_arguments(const Shape& weight, const Conv2dOptions& options, bool bias) {
    std::string text = fmt::format("{}, {}, kernel_size={}, stride={}", weight[1] * options.groups, weight[0],
                                   to_string(Size2d{weight[2], weight[3]}), to_string(options.stride));
    if (options.padding != Size2d(0)) { text += ", padding=" + to_string(options.padding); }
    if (options.dilation != Size2d(1)) { text += ", dilation=" + to_string(options.dilation); }
    if (options.groups != 1) { text += ", groups=" + std::to_string(options.groups); }
    return bias ? text : text + ", bias=False";
}

} // namespace handgrad::nn
