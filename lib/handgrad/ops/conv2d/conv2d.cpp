#include "handgrad/ops/conv2d/conv2d.hpp"

#include <fmt/format.h>

#include "handgrad/ops/windows.hpp"

namespace handgrad {

Shape conv2d_shape(std::string_view where, const Shape& x, const Shape& w, const Conv2dOptions& options) {
    require_rank(where, "x", x, {"N", "C_in", "H", "W"});
    require_rank(where, "w", w, {"C_out", "C_in/groups", "R", "S"});
    const std::size_t groups = options.groups;
    if (groups == 0 || groups > largest_extent || x[1] % groups != 0 || w[0] % groups != 0) {
        throw ShapeError(fmt::format("{}: groups is {}, expected a divisor of x's {} channels and w's {}", where,
                                     as_written(groups), x[1], w[0]));
    }
    require_shape(where, "w", w, {w[0], x[1] / groups, w[2], w[3]});
    const Size2d size =
        count_windows(where, x, {{w[2], w[3]}, options.stride, options.padding, options.dilation, false});
    return {x[0], w[0], size.h, size.w};
}

void check_conv2d_options(std::string_view where, Size2d kernel_size, const Conv2dOptions& options) {
    require_windows(where, {kernel_size, options.stride, options.padding, options.dilation, false});
}

Shape check_conv2d_forward(const Shape& x, const Shape& w, const Shape& b, const Conv2dOptions& options) {
    const Shape y = conv2d_shape("conv2d_forward", x, w, options);
    if (b != Shape{0}) { require_shape("conv2d_forward", "b", b, {w[0]}); }
    return y;
}

} // namespace handgrad
