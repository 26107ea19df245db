#include "handgrad/ops/pool2d/pool2d.hpp"

#include <algorithm>
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

Shape avg_pool2d_shape(std::string_view where, const Shape& x, const AvgPool2dOptions& options) {
    return pooled_shape(where, x, windows_of(options));
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

Shape check_max_pool2d_backward_shapes(const Shape& dy, const Shape& indices, const Shape& x) {
    const auto where = "max_pool2d_backward";
    require_rank(where, "x", x, {"N", "C", "H", "W"});
    require_rank(where, "dy", dy, {"N", "C", "P", "Q"});
    require_shape(where, "dy", dy, {x[0], x[1], dy[2], dy[3]});
    require_shape(where, "indices", indices, dy);
    return x;
}

Shape check_max_pool2d_backward(const Shape& dy, const Indices& indices, const Shape& x) {
    check_max_pool2d_backward_shapes(dy, indices.shape(), x);
    // One number decides, so that the loop runs in SIMD registers: as an unsigned number, a negative index is large.
    const std::size_t pixels = x[2] * x[3];
    std::uint32_t largest_index = 0;
    for (const std::int32_t index : indices.storage()) {
        largest_index = std::max(largest_index, static_cast<std::uint32_t>(index));
    }
    if (indices.size() > 0 && largest_index >= pixels) {
        throw ShapeError(fmt::format("max_pool2d_backward: an index is {}, expected a pixel's number, less than {}",
                                     static_cast<std::int32_t>(largest_index), pixels));
    }
    return x;
}

Shape check_avg_pool2d_forward(const Shape& x, const AvgPool2dOptions& options) {
    return avg_pool2d_shape("avg_pool2d_forward", x, options);
}

Shape check_avg_pool2d_backward(const Shape& dy, const Shape& x, const AvgPool2dOptions& options) {
    require_shape("avg_pool2d_backward", "dy", dy, avg_pool2d_shape("avg_pool2d_backward", x, options));
    return x;
}

} // namespace handgrad
