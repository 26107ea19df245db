#pragma once
// What the operations share on the way from tensors to kernels.

#include <limits>
#include <string>
#include <string_view>

#include "handgrad/device/kernels.hpp"
#include "handgrad/device/system.hpp"
#include "handgrad/device/tensor.hpp"
#include "handgrad/error.hpp"
#include "handgrad/ops/conv2d/conv2d.hpp"

namespace handgrad::device {

/// Whether matrix products and convolutions go to the cpu backend's kernels, which find the numbers where they are.
inline bool uses_cpu_kernels() { return algorithm() == Algorithm::fast && !is_gpu(); }
/// Whether they are computed by Thrust alone.
inline bool is_plain() { return algorithm() == Algorithm::plain; }

/// Kernels for images count in int: half as long as std::size_t, and on a GPU several times as fast to divide.
/// @throws ShapeError
inline void require_countable(std::string_view where, std::string_view what, const Shape& shape) {
    std::size_t n = 1;
    for (const std::size_t extent : shape) { n *= extent; }
    if (n > static_cast<std::size_t>(std::numeric_limits<int>::max())) {
        throw ShapeError(std::string(where) + ": " + std::string(what) + " has shape " + to_string(shape) +
                         ", expected at most 2^31 - 1 numbers");
    }
}

/// n numbers that keep their memory from call to call of the same thread.
template <class T> T* scratch(std::size_t n) {
    thread_local Tensor<T> memory;
    if (memory.size() < n) { memory.resize({n}); }
    return memory.data();
}

inline kernels::Axis axis(std::size_t size, std::size_t kernel, std::size_t windows, std::size_t stride,
                          std::size_t padding, std::size_t dilation) {
    const auto number = [](std::size_t i) { return static_cast<int>(i); };
    return {number(size), number(kernel), number(windows), number(stride), number(padding), number(dilation)};
}

/// @param y the convolution's result, (N, K, P, Q)
inline kernels::ConvExtents extents(std::string_view where, const Shape& x, const Shape& w, const Shape& y,
                                    const Conv2dOptions& o) {
    require_countable(where, "x", x);
    require_countable(where, "w", w);
    require_countable(where, "y", y);
    const auto number = [](std::size_t i) { return static_cast<int>(i); };
    return {number(x[0]),
            number(x[1]),
            number(w[0]),
            number(o.groups),
            axis(x[2], w[2], y[2], o.stride.h, o.padding.h, o.dilation.h),
            axis(x[3], w[3], y[3], o.stride.w, o.padding.w, o.dilation.w)};
}

} // namespace handgrad::device
