// Average-pooling (pool2d_items.hpp): R S additions a window; backward as many a pixel, each item gathering its share of
// every window that covers it.

#include "handgrad/device/kernels.hpp"
#include "handgrad/device/run.hpp"
#include "handgrad/ops/pool2d/device_items.hpp"

namespace handgrad::device::kernels {

template <class T> void avg_pool2d_forward(const Axis& rows, const Axis& columns, bool count_include_pad,
                                           std::size_t images, const T* x, T* y) {
    tabulate(y, images * static_cast<std::size_t>(rows.windows * columns.windows),
             static_cast<std::size_t>(rows.kernel * columns.kernel),
             AvgPool2dForward<T>{{rows, columns, count_include_pad}, x});
}

template <class T> void avg_pool2d_backward(const Axis& rows, const Axis& columns, bool count_include_pad,
                                            std::size_t images, const T* dy, T* dx) {
    tabulate(dx, images * static_cast<std::size_t>(rows.size * columns.size),
             static_cast<std::size_t>(rows.kernel * columns.kernel),
             AvgPool2dBackward<T>{{rows, columns, count_include_pad}, dy});
}

#define HANDGRAD_INSTANTIATE(T)                                                                                        \
    template void avg_pool2d_forward(const Axis&, const Axis&, bool, std::size_t, const T*, T*);                       \
    template void avg_pool2d_backward(const Axis&, const Axis&, bool, std::size_t, const T*, T*);
HANDGRAD_INSTANTIATE(float)
HANDGRAD_INSTANTIATE(double)

} // namespace handgrad::device::kernels
