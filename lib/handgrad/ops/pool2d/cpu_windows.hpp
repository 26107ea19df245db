#pragma once
// What max- and average-pooling share: where a window lies, and how the channels are cut for the threads.

#include <algorithm>

#include "handgrad/ops/pool2d/pool2d.hpp"
#include "handgrad/tensor/parallel_for.hpp"

namespace handgrad::cpu {

/// The pixels of a window along one direction: first, first + dilation, ..., all of them less than end.
struct Places {
    std::size_t first, end;
};

/// Those of window p. There is at least one: the contract's check sees to it.
inline Places places(std::size_t p, std::size_t kernel, std::size_t stride, std::size_t padding, std::size_t dilation,
                     std::size_t size) {
    const std::size_t begin = p * stride;
    const std::size_t above = std::max(begin, padding) - begin; // how far the window sticks out
    return {begin + (above + dilation - 1) / dilation * dilation - padding,
            std::min(begin + dilation * (kernel - 1) + 1, size + padding) - padding};
}

/// Whether windows are blocks of 2 x 2 pixels, side by side.
inline bool is_two_by_two(const MaxPool2dOptions& o) {
    return o.kernel_size == Size2d(2) && o.stride == Size2d(2) && o.padding == Size2d(0) && o.dilation == Size2d(1);
}
inline bool is_two_by_two(const AvgPool2dOptions& o) {
    return o.kernel_size == Size2d(2) && o.stride == Size2d(2) && o.padding == Size2d(0);
}

/// Pixels in a chunk, fewer than in an entrywise kernel: there is more work to each.
inline constexpr std::size_t pool_grain = 65536;

/// Calls f(plane) for every channel of every image, on several threads.
template <class F> void for_each_plane(const Shape& x, const F& f) {
    const Chunks chunks(x[0] * x[1], std::max<std::size_t>(pool_grain / (x[2] * x[3]), 1));
    parallel_for(chunks.count, [&](std::size_t i) {
        for (std::size_t plane = chunks.begin(i); plane < chunks.begin(i) + chunks.length(i); ++plane) { f(plane); }
    });
}

} // namespace handgrad::cpu
