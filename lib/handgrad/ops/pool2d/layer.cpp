#include "handgrad/ops/pool2d/layer.hpp"

#include <fmt/format.h>

namespace handgrad::nn {

std::string printed_arguments(const MaxPool2dOptions& options) {
    return fmt::format("kernel_size={}, stride={}, padding={}, dilation={}, ceil_mode={}",
                       as_written(options.kernel_size), as_written(options.stride), as_written(options.padding),
                       as_written(options.dilation), options.ceil_mode ? "True" : "False");
}

std::string printed_arguments(const AvgPool2dOptions& options) {
    return fmt::format("kernel_size={}, stride={}, padding={}", as_written(options.kernel_size),
                       as_written(options.stride), as_written(options.padding));
}

} // namespace handgrad::nn
