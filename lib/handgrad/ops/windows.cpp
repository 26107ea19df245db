#include "handgrad/ops/windows.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "handgrad/error.hpp"

namespace handgrad {
namespace {

/// The number of windows along one direction; see the contracts. Returns 0 if the kernel does not fit.
std::size_t count(std::size_t size, std::size_t kernel, std::size_t stride, std::size_t padding, std::size_t dilation,
                  bool ceil_mode) {
    const std::size_t padded = size + 2 * padding, window = dilation * (kernel - 1) + 1;
    const std::size_t room = padded + (ceil_mode ? stride - 1 : 0); // as in PyTorch, also for a larger kernel
    if (window > room) { return 0; }
    const std::size_t steps = (room - window) / stride;
    // With ceil_mode the last window must start inside the image or its upper, left padding.
    return steps + (ceil_mode && steps * stride >= size + padding ? 0 : 1);
}

/// Checks that every window along one direction of this size contains a pixel: the first place of the window that is
/// not above the image must not be below it.
void require_pixels(std::string_view where, std::size_t windows, std::size_t size, std::size_t stride,
                    std::size_t padding, std::size_t dilation) {
    for (std::size_t p = 0; p < windows; ++p) {
        const std::size_t above =
            std::max(p * stride, padding) - p * stride; // number of pixels of the window above the image
        const std::size_t first = p * stride + (above + dilation - 1) / dilation * dilation - padding;
        if (first >= size) {
            throw ShapeError(
                fmt::format("{}: window {} contains no pixel: stride {}, padding {}, dilation {}, image {}", where, p,
                            stride, padding, dilation, size));
        }
    }
}

} // namespace

void require_size(std::string_view where, std::string_view what, Size2d size, std::size_t least) {
    const auto smallest = static_cast<std::ptrdiff_t>(least);
    const bool too_small =
        static_cast<std::ptrdiff_t>(size.h) < smallest || static_cast<std::ptrdiff_t>(size.w) < smallest;
    if (too_small || std::max(size.h, size.w) > largest_extent) {
        throw ShapeError(fmt::format("{}: {} is {}, expected at {} {}", where, what, as_written(size),
                                     too_small ? "least" : "most", too_small ? least : largest_extent));
    }
}

void require_windows(std::string_view where, const Windows& windows) {
    require_size(where, "kernel_size", windows.kernel, 1);
    require_size(where, "stride", windows.stride, 1);
    require_size(where, "padding", windows.padding, 0);
    require_size(where, "dilation", windows.dilation, 1);
}

void require_half_padding(std::string_view where, const Windows& windows) {
    const Size2d padding = windows.padding, kernel = windows.kernel;
    if (padding.h > kernel.h / 2 || padding.w > kernel.w / 2) {
        throw ShapeError(fmt::format("{}: padding is {}, expected at most half of the kernel's size {}", where,
                                     to_string(padding), to_string(kernel)));
    }
}

Size2d count_windows(std::string_view where, const Shape& x, const Windows& windows) {
    require_windows(where, windows);
    if (std::max(x[2], x[3]) > largest_extent) {
        throw ShapeError(
            fmt::format("{}: x has shape {}, expected 0 to {} rows and columns", where, to_string(x), largest_extent));
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

Shape pooled_shape(std::string_view where, const Shape& x, const Windows& windows) {
    require_rank(where, "x", x, {"N", "C", "H", "W"});
    const Size2d size = count_windows(where, x, windows);
    require_half_padding(where, windows);
    require_pixels(where, size.h, x[2], windows.stride.h, windows.padding.h, windows.dilation.h);
    require_pixels(where, size.w, x[3], windows.stride.w, windows.padding.w, windows.dilation.w);
    return {x[0], x[1], size.h, size.w};
}

} // namespace handgrad
