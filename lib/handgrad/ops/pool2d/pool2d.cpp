#include "handgrad/ops/pool2d/pool2d.hpp"

#include <limits>

#include <fmt/format.h>

#include "handgrad/ops/windows.hpp"

namespace handgrad {
namespace {

Windows windows_of(const MaxPool2dOptions& options) {
    return {options.kernel_size, options.stride, options.padding, options.dilation, options.ceil_mode};
}

Windows windows_of(const AvgPool2dOptions& options) {
    return {options.kernel_size, options.stride, options.padding, 1, options.ceil_mode};
}

} // namespace

void check_pool2d_options(std::string_view where, const MaxPool2dOptions& options) {
    require_windows(where, windows_of(options));
    require_half_padding(where, windows_of(options));
}

void check_pool2d_options(std::string_view where, const AvgPool2dOptions& options) {
    require_windows(where, windows_of(options));
    require_half_padding(where, windows_of(options));
}

Shape check_max_pool2d_forward(const Shape& x, const MaxPool2dOptions& options) {
    const auto where = "max_pool2d_forward";
    const Shape y = pooled_shape(where, x, windows_of(options));
    constexpr std::size_t most = std::numeric_limits<std::int32_t>::max(); // what an index can count
    if (x[2] * x[3] > most) {
        throw ShapeError(
            fmt::format("{}: x has shape {}, expected at most {} pixels in a channel", where, to_string(x), most));
    }
    return y;
}

void check_max_pool2d_backward(const Shape& dy, const Shape& indices, const Shape& x) {
    const auto where = "max_pool2d_backward";
    require_rank(where, "x", x, {"N", "C", "H", "W"});
    require_rank(where, "dy", dy, {"N", "C", "P", "Q"});
    require_shape(where, "dy", dy, {x[0], x[1], dy[2], dy[3]});
    require_shape(where, "indices", indices, dy);
}

void refuse_index(std::int32_t index, std::size_t pixels) {
    throw ShapeError(
        fmt::format("max_pool2d_backward: an index is {}, expected a pixel's number, less than {}", index, pixels));
}

Shape check_avg_pool2d_forward(const Shape& x, const AvgPool2dOptions& options) {
    return pooled_shape("avg_pool2d_forward", x, windows_of(options));
}

void check_avg_pool2d_backward(const Shape& dy, const Shape& x, const AvgPool2dOptions& options) {
    const auto where = "avg_pool2d_backward";
    require_shape(where, "dy", dy, pooled_shape(where, x, windows_of(options)));
}

} // namespace handgrad
