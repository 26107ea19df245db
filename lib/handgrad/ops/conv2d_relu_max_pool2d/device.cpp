// Convolution, ReLU and 2 x 2 pooling in one kernel, forward and backward (device_items.hpp). The results of the
// convolution and of ReLU, each four times as large as y, stay in registers, and a GPU starts one kernel instead of
// three. Formulas: conv2d_relu_max_pool2d.hpp.

#include <algorithm>

#include "handgrad/device/memory.hpp"
#include "handgrad/ops/conv2d_relu_max_pool2d/conv2d_relu_max_pool2d.hpp"
#include "handgrad/ops/conv2d_relu_max_pool2d/device_items.hpp"

namespace handgrad {

using namespace device; // items, tabulate

template <> template <class T> Shape Conv2dReluMaxPool2dKernels<OnDevice>::winners_shape(const Shape& y) { return y; }

template <> template <class T>
void Conv2dReluMaxPool2dKernels<OnDevice>::forward(ImagesView<const T> x, ImagesView<const T> w, VectorView<const T> b,
                                                   const Conv2dOptions& options, Size2d z, ImagesView<T> y,
                                                   VectorView<T> winners) {
    const ConvExtents e = extents("conv2d_relu_max_pool2d_forward", x, w, z, options);
    for_each_item(y.size(), 8 * e.taps(), Conv2dReluMaxPool2dForward<T>{{e, x, w, b}, y, winners});
}

template <> template <class T>
void Conv2dReluMaxPool2dKernels<OnDevice>::backward_input(ImagesView<const T> dy, VectorView<const T> winners,
                                                          ImagesView<const T> w, const Conv2dOptions& options, Size2d z,
                                                          ImagesView<T> dx) {
    const ConvExtents e = extents("conv2d_relu_max_pool2d_backward_input", dx, w, z, options);
    tabulate(dx.data, dx.size(), 2 * e.gathered(), Conv2dBackwardInput<T, PooledGradient<T>>{e, {dy, winners}, w});
}

template <> template <class T>
void Conv2dReluMaxPool2dKernels<OnDevice>::backward_parameters(ImagesView<const T> x, ImagesView<const T> dy,
                                                               VectorView<const T> winners,
                                                               const Conv2dOptions& options, Size2d z, ImagesView<T> dw,
                                                               VectorView<T> db, Accumulate mode) {
    const ConvExtents e = extents("conv2d_relu_max_pool2d_backward_parameters", x, dw, z, options);
    const BatchParts batch(x.n);
    const auto count = static_cast<std::size_t>(batch.count);
    const std::size_t channels = x.n * x.c, size = count * std::max(dw.size(), db.size);
    const std::size_t windows = static_cast<std::size_t>(batch.each) * dy.h * dy.w; // number of windows of a part
    T* parts = scratch<T>(size + channels);
    T* non_finite = parts + size;
    tabulate(non_finite, channels, x.h * x.w, HasNonFinite<T>{x});
    tabulate(parts, count * dw.size(), 2 * windows, PooledBackwardWeightPart<T>{e, batch, x, dy, winners, non_finite});
    add_parts(parts, batch.count, dw.entries(), mode);
    tabulate(parts, count * db.size, windows, PooledBackwardBiasPart<T>{batch, dy, winners});
    add_parts(parts, batch.count, db, mode);
}

HANDGRAD_INSTANTIATE_KERNEL(Conv2dReluMaxPool2dKernels<OnDevice>::winners_shape)
HANDGRAD_INSTANTIATE_KERNEL(Conv2dReluMaxPool2dKernels<OnDevice>::forward)
HANDGRAD_INSTANTIATE_KERNEL(Conv2dReluMaxPool2dKernels<OnDevice>::backward_input)
HANDGRAD_INSTANTIATE_KERNEL(Conv2dReluMaxPool2dKernels<OnDevice>::backward_parameters)

} // namespace handgrad
