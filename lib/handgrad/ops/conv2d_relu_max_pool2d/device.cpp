// Convolution, ReLU and 2 x 2 pooling in one kernel each way (conv2d_relu_max_pool2d_items.hpp): what the three would
// write to memory and read again, four times y's size each time, stays in registers, and a GPU is started once instead of
// three times.

#include "handgrad/device/kernels.hpp"
#include "handgrad/ops/conv2d_relu_max_pool2d/device_items.hpp"

namespace handgrad::device::kernels {

template <class T>
void conv2d_relu_max_pool2d_forward(const ConvExtents& e, const T* x, const T* w, const T* b, T* y, T* winners) {
    for_each_item(e.pooled_size(), 8 * e.taps(), Conv2dReluMaxPool2dForward<T>{{e, x, w, b}, y, winners});
}

template <class T>
void conv2d_relu_max_pool2d_backward_input(const ConvExtents& e, const T* dy, const T* winners, const T* w, T* dx) {
    tabulate(dx, e.x_size(), e.gathered() * 2, Conv2dBackwardInput<T, PooledGradient<T>>{e, {dy, winners}, w});
}

template <class T> void conv2d_relu_max_pool2d_backward_parameters(const ConvExtents& e, const T* x, const T* dy,
                                                                   const T* winners, T* dw, T* db, bool add, T* parts,
                                                                   T* spoilt) {
    const BatchParts batch(static_cast<std::size_t>(e.N));
    const auto count = static_cast<std::size_t>(batch.count);
    const int windows = e.rows.windows / 2 * (e.columns.windows / 2);
    const auto each = static_cast<std::size_t>(batch.each * windows);
    const int pixels = e.rows.size * e.columns.size;
    tabulate(spoilt, static_cast<std::size_t>(e.N * e.C), static_cast<std::size_t>(pixels), IsSpoilt<T>{pixels, x});
    tabulate(parts, count * e.w_size(), 2 * each, PooledBackwardWeightPart<T>{e, batch, x, dy, winners, spoilt});
    add_parts(parts, count, e.w_size(), dw, add);
    tabulate(parts, count * static_cast<std::size_t>(e.K), each,
             PooledBackwardBiasPart<T>{e.K, windows, batch, dy, winners});
    add_parts(parts, count, static_cast<std::size_t>(e.K), db, add);
}

#define HANDGRAD_INSTANTIATE(T)                                                                                        \
    template void conv2d_relu_max_pool2d_forward(const ConvExtents&, const T*, const T*, const T*, T*, T*);            \
    template void conv2d_relu_max_pool2d_backward_input(const ConvExtents&, const T*, const T*, const T*, T*);         \
    template void conv2d_relu_max_pool2d_backward_parameters(const ConvExtents&, const T*, const T*, const T*, T*, T*, \
                                                             bool, T*, T*);
HANDGRAD_INSTANTIATE(float)
HANDGRAD_INSTANTIATE(double)

} // namespace handgrad::device::kernels
