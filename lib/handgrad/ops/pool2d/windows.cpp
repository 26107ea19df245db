// Shape checks of the operations on images.

#include <algorithm>
#include <limits>

#include <fmt/format.h>

#include "handgrad/error.hpp"
#include "handgrad/ops/conv2d/conv2d.hpp"
#include "handgrad/ops/conv2d_relu_max_pool2d/conv2d_relu_max_pool2d.hpp"
#include "handgrad/ops/pool2d/pool2d.hpp"

namespace handgrad {
namespace {

/// Sizes, strides and paddings beyond this are mistakes; below it, sums of a few of them do not overflow.
constexpr std::size_t largest = std::size_t(1) << 30;

/// How windows lie on an image.
struct Windows {
    Size2d kernel, stride, padding, dilation;
    bool ceil_mode;
};

void require_windows(std::string_view where, const Windows& windows) {
    require_size(where, "kernel_size", windows.kernel, 1);
    require_size(where, "stride", windows.stride, 1);
    require_size(where, "padding", windows.padding, 0);
    require_size(where, "dilation", windows.dilation, 1);
}

/// The number of windows along one direction; see the contracts. 0 if the kernel does not fit.
std::size_t count(std::size_t size, std::size_t kernel, std::size_t stride, std::size_t padding, std::size_t dilation,
                  bool ceil_mode) {
    const std::size_t padded = size + 2 * padding, window = dilation * (kernel - 1) + 1;
    const std::size_t room = padded + (ceil_mode ? stride - 1 : 0); // as PyTorch has it, also for a larger kernel
    if (window > room) { return 0; }
    const std::size_t steps = (room - window) / stride;
    // With ceil_mode the last window must start inside the image or its upper, left padding.
    return steps + (ceil_mode && steps * stride >= size + padding ? 0 : 1);
}

/// y's extents for an image x of (N, C, H, W).
Size2d count(std::string_view where, const Shape& x, const Windows& windows) {
    require_windows(where, windows);
    if (std::max(x[2], x[3]) > largest) {
        throw ShapeError(
            fmt::format("{}: x has shape {}, expected 0 to {} rows and columns", where, to_string(x), largest));
    }
    const Size2d result{
        count(x[2], windows.kernel.h, windows.stride.h, windows.padding.h, windows.dilation.h, windows.ceil_mode),
        count(x[3], windows.kernel.w, windows.stride.w, windows.padding.w, windows.dilation.w, windows.ceil_mode)};
    if (result.h == 0 || result.w == 0) {
        const Size2d window{windows.dilation.h * (windows.kernel.h - 1) + 1,
                            windows.dilation.w * (windows.kernel.w - 1) + 1};
        const Size2d more = windows.ceil_mode ? Size2d{windows.stride.h - 1, windows.stride.w - 1} : Size2d(0);
        const Size2d most{x[2] + 2 * windows.padding.h + more.h, x[3] + 2 * windows.padding.w + more.w};
        throw ShapeError(fmt::format(
            "{}: the kernel covers {} pixels, expected at most {}, the image with its padding{}", where,
            to_string(window), to_string(most), windows.ceil_mode ? " and, for ceil_mode, a stride less 1" : ""));
    }
    return result;
}

void require_half(std::string_view where, Size2d padding, Size2d kernel) {
    if (padding.h > kernel.h / 2 || padding.w > kernel.w / 2) {
        throw ShapeError(fmt::format("{}: padding is {}, expected at most half of the kernel's size {}", where,
                                     to_string(padding), to_string(kernel)));
    }
}

/// Demands that every window along one direction of this size holds a pixel: of its places, the first that is not above
/// the image must not lie below it.
void require_pixels(std::string_view where, std::size_t windows, std::size_t size, std::size_t stride,
                    std::size_t padding, std::size_t dilation) {
    for (std::size_t p = 0; p < windows; ++p) {
        const std::size_t above = std::max(p * stride, padding) - p * stride; // how far the window sticks out
        const std::size_t first = p * stride + (above + dilation - 1) / dilation * dilation - padding;
        if (first >= size) {
            throw ShapeError(fmt::format("{}: window {} holds no pixel: stride {}, padding {}, dilation {}, image {}",
                                         where, p, stride, padding, dilation, size));
        }
    }
}

/// y's shape for an image x that is pooled.
Shape pool2d_shape(std::string_view where, const Shape& x, const Windows& windows) {
    require_rank(where, "x", x, {"N", "C", "H", "W"});
    const Size2d size = count(where, x, windows);
    require_half(where, windows.padding, windows.kernel);
    require_pixels(where, size.h, x[2], windows.stride.h, windows.padding.h, windows.dilation.h);
    require_pixels(where, size.w, x[3], windows.stride.w, windows.padding.w, windows.dilation.w);
    return {x[0], x[1], size.h, size.w};
}

Windows windows_of(const MaxPool2dOptions& options) {
    return {options.kernel_size, options.stride, options.padding, options.dilation, options.ceil_mode};
}

Windows windows_of(const AvgPool2dOptions& options) {
    return {options.kernel_size, options.stride, options.padding, 1, options.ceil_mode};
}

Shape avg_pool2d_shape(std::string_view where, const Shape& x, const AvgPool2dOptions& options) {
    return pool2d_shape(where, x, windows_of(options));
}

/// y's shape for these x and w.
Shape conv2d_shape(std::string_view where, const Shape& x, const Shape& w, const Conv2dOptions& options) {
    require_rank(where, "x", x, {"N", "C", "H", "W"});
    require_rank(where, "w", w, {"K", "C", "R", "S"});
    const std::size_t groups = options.groups;
    if (groups == 0 || groups > largest || x[1] % groups != 0 || w[0] % groups != 0) {
        throw ShapeError(fmt::format("{}: groups is {}, expected a divisor of x's {} channels and w's {}", where,
                                     as_written(groups), x[1], w[0]));
    }
    require_shape(where, "w", w, {w[0], x[1] / groups, w[2], w[3]});
    const Size2d size = count(where, x, {{w[2], w[3]}, options.stride, options.padding, options.dilation, false});
    return {x[0], w[0], size.h, size.w};
}

} // namespace

void require_size(std::string_view where, std::string_view what, Size2d size, std::size_t least) {
    const auto smallest = static_cast<std::ptrdiff_t>(least);
    const bool too_small =
        static_cast<std::ptrdiff_t>(size.h) < smallest || static_cast<std::ptrdiff_t>(size.w) < smallest;
    if (too_small || std::max(size.h, size.w) > largest) {
        throw ShapeError(fmt::format("{}: {} is {}, expected at {} {}", where, what, as_written(size),
                                     too_small ? "least" : "most", too_small ? least : largest));
    }
}

void check_conv2d_options(std::string_view where, Size2d kernel_size, const Conv2dOptions& options) {
    require_windows(where, {kernel_size, options.stride, options.padding, options.dilation, false});
}

void check_pool2d_options(std::string_view where, const MaxPool2dOptions& options) {
    require_windows(where, windows_of(options));
    require_half(where, options.padding, options.kernel_size);
}

void check_pool2d_options(std::string_view where, const AvgPool2dOptions& options) {
    require_windows(where, windows_of(options));
    require_half(where, options.padding, options.kernel_size);
}

Shape check_conv2d_forward(const Shape& x, const Shape& w, const Shape& b, const Conv2dOptions& options) {
    const Shape y = conv2d_shape("conv2d_forward", x, w, options);
    if (b != Shape{0}) { require_shape("conv2d_forward", "b", b, {w[0]}); }
    return y;
}

Shape check_conv2d_backward_input(const Shape& dy, const Shape& w, const Shape& x, const Conv2dOptions& options) {
    require_shape("conv2d_backward_input", "dy", dy, conv2d_shape("conv2d_backward_input", x, w, options));
    return x;
}

Shape check_conv2d_backward_weight(const Shape& x, const Shape& dy, const Shape& w, const Conv2dOptions& options) {
    require_shape("conv2d_backward_weight", "dy", dy, conv2d_shape("conv2d_backward_weight", x, w, options));
    return w;
}

Shape check_conv2d_backward_bias(const Shape& dy) {
    require_rank("conv2d_backward_bias", "dy", dy, {"N", "K", "P", "Q"});
    return {dy[1]};
}

namespace {

Conv2dReluMaxPool2dShapes fused_shapes(std::string_view where, const Shape& x, const Shape& w,
                                       const Conv2dOptions& options) {
    const Shape z = conv2d_shape(where, x, w, options);
    if (z[2] < 2 || z[3] < 2) {
        throw ShapeError(fmt::format("{}: the convolution's result has shape {}, expected at least 2 x 2 pixels", where,
                                     to_string(z)));
    }
    return {z, {z[0], z[1], z[2] / 2, z[3] / 2}};
}

} // namespace

Conv2dReluMaxPool2dShapes check_conv2d_relu_max_pool2d_forward(const Shape& x, const Shape& w, const Shape& b,
                                                               const Conv2dOptions& options) {
    const auto where = "conv2d_relu_max_pool2d_forward";
    const auto shapes = fused_shapes(where, x, w, options);
    if (b != Shape{0}) { require_shape(where, "b", b, {w[0]}); }
    return shapes;
}

Conv2dReluMaxPool2dShapes check_conv2d_relu_max_pool2d_backward(std::string_view where, const Shape& x, const Shape& w,
                                                                const Shape& dy, const Conv2dOptions& options) {
    const auto shapes = fused_shapes(where, x, w, options);
    require_shape(where, "dy", dy, shapes.y);
    return shapes;
}

Shape check_max_pool2d_forward(const Shape& x, const MaxPool2dOptions& options) {
    const auto where = "max_pool2d_forward";
    const Shape y = pool2d_shape(where, x, windows_of(options));
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
