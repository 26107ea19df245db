// Max-pooling takes R S comparisons for each window; forward reads x once and writes y and the winners. Backward has
// one item for each channel, because windows of a channel may have the same winner: it is less parallel than forward,
// and reads every dy once. Average-pooling takes R S additions for each window; backward takes as many for each pixel,
// whose item gathers dy / A of every window that covers the pixel.

#include <vector>

#include "handgrad/device/memory.hpp"
#include "handgrad/device/run.hpp"
#include "handgrad/ops/pool2d/device_items.hpp"
#include "handgrad/ops/pool2d/pool2d.hpp"

namespace handgrad {

using namespace device; // tabulate and the other loops

namespace {

/// Whether index i is outside 0 .. pixels - 1.
struct IsBad {
    VectorView<const std::int32_t> indices;
    std::size_t pixels;
    HANDGRAD_HOST_DEVICE bool operator()(std::size_t i) const {
        return indices(i) < 0 || static_cast<std::size_t>(indices(i)) >= pixels;
    }
};

} // namespace

template <> template <class T>
void Pool2dKernels<OnDevice>::max_forward(ImagesView<const T> x, const MaxPool2dOptions& options, ImagesView<T> y,
                                          ImagesView<std::int32_t> indices) {
    countable("max_pool2d_forward", "x", x.size());
    countable("max_pool2d_forward", "y", y.size());
    const Size2d kernel = options.kernel_size, stride = options.stride, padding = options.padding;
    const Axis rows = axis(x.h, kernel.h, y.h, stride.h, padding.h, options.dilation.h);
    const Axis columns = axis(x.w, kernel.w, y.w, stride.w, padding.w, options.dilation.w);
    for_each_item(y.size(), kernel.h * kernel.w, MaxPool2dForward<T>{rows, columns, x, y, indices});
}

template <> template <class T> void Pool2dKernels<OnDevice>::max_backward(ImagesView<const T> dy,
                                                                          ImagesView<const std::int32_t> indices,
                                                                          ImagesView<T> dx) {
    countable("max_pool2d_backward", "dy", dy.size());
    countable("max_pool2d_backward", "x", dx.size());
    for_each_item(dx.n * dx.c, dy.h * dy.w + dx.h * dx.w, MaxPool2dBackward<T>{dy, indices, dx});
}

template <> std::optional<std::int32_t> Pool2dKernels<OnDevice>::bad_index(VectorView<const std::int32_t> indices,
                                                                           std::size_t pixels) {
    if (first_item(indices.size, 1, IsBad{indices, pixels}) == indices.size) { return {}; }
    std::vector<std::int32_t> on_host(indices.size); // copied only if there is an error
    copy_to_host(indices.data, on_host.data(), indices.size * sizeof(std::int32_t));
    return Pool2dKernels<OnCpu>::bad_index({on_host.data(), on_host.size()}, pixels);
}

template <> template <class T>
void Pool2dKernels<OnDevice>::avg_forward(ImagesView<const T> x, const AvgPool2dOptions& options, ImagesView<T> y) {
    countable("avg_pool2d_forward", "x", x.size());
    countable("avg_pool2d_forward", "y", y.size());
    const Size2d kernel = options.kernel_size, stride = options.stride, padding = options.padding;
    const Axis rows = axis(x.h, kernel.h, y.h, stride.h, padding.h, 1);
    const Axis columns = axis(x.w, kernel.w, y.w, stride.w, padding.w, 1);
    tabulate(y.data, y.size(), kernel.h * kernel.w, AvgPool2dForward<T>{{rows, columns, options.count_include_pad}, x});
}

template <> template <class T>
void Pool2dKernels<OnDevice>::avg_backward(ImagesView<const T> dy, const AvgPool2dOptions& options, ImagesView<T> dx) {
    countable("avg_pool2d_backward", "dy", dy.size());
    countable("avg_pool2d_backward", "x", dx.size());
    const Size2d kernel = options.kernel_size, stride = options.stride, padding = options.padding;
    const Axis rows = axis(dx.h, kernel.h, dy.h, stride.h, padding.h, 1);
    const Axis columns = axis(dx.w, kernel.w, dy.w, stride.w, padding.w, 1);
    tabulate(dx.data, dx.size(), kernel.h * kernel.w,
             AvgPool2dBackward<T>{{rows, columns, options.count_include_pad}, dy});
}

HANDGRAD_INSTANTIATE_KERNEL(Pool2dKernels<OnDevice>::max_forward)
HANDGRAD_INSTANTIATE_KERNEL(Pool2dKernels<OnDevice>::max_backward)
HANDGRAD_INSTANTIATE_KERNEL(Pool2dKernels<OnDevice>::avg_forward)
HANDGRAD_INSTANTIATE_KERNEL(Pool2dKernels<OnDevice>::avg_backward)

} // namespace handgrad
