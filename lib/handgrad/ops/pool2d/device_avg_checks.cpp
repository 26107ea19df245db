#include "handgrad/ops/pool2d/device_avg.hpp"

#include "handgrad/device/launch.hpp"
#include "handgrad/ops/pool2d/cpu_avg.hpp"

namespace handgrad::device {

template <class T> void avg_pool2d_forward(const Tensor<T>& x, const AvgPool2dOptions& o, Tensor<T>& y) {
    if (uses_cpu_kernels()) { return cpu::avg_pool2d_forward(x.on_host(), o, y.on_host()); }
    const Shape shape = check_avg_pool2d_forward(x, o, y);
    require_countable("avg_pool2d_forward", "x", x.shape());
    resize(y, shape);
    const auto rows = axis(x.shape(2), o.kernel_size.h, shape[2], o.stride.h, o.padding.h, 1);
    const auto columns = axis(x.shape(3), o.kernel_size.w, shape[3], o.stride.w, o.padding.w, 1);
    kernels::avg_pool2d_forward(rows, columns, o.count_include_pad, shape[0] * shape[1], x.data(), y.data());
}

template <class T>
void avg_pool2d_backward(const Tensor<T>& dy, const Shape& shape_of_x, const AvgPool2dOptions& o, Tensor<T>& dx) {
    if (uses_cpu_kernels()) { return cpu::avg_pool2d_backward(dy.on_host(), shape_of_x, o, dx.on_host()); }
    const Shape shape = check_avg_pool2d_backward(dy, shape_of_x, o, dx);
    require_countable("avg_pool2d_backward", "x", shape);
    resize(dx, shape);
    const auto rows = axis(shape[2], o.kernel_size.h, dy.shape(2), o.stride.h, o.padding.h, 1);
    const auto columns = axis(shape[3], o.kernel_size.w, dy.shape(3), o.stride.w, o.padding.w, 1);
    kernels::avg_pool2d_backward(rows, columns, o.count_include_pad, shape[0] * shape[1], dy.data(), dx.data());
}

template <class T> Tensor<T> avg_pool2d_forward(const Tensor<T>& x, const AvgPool2dOptions& options) {
    Tensor<T> y;
    avg_pool2d_forward(x, options, y);
    return y;
}

template <class T>
Tensor<T> avg_pool2d_backward(const Tensor<T>& dy, const Shape& shape_of_x, const AvgPool2dOptions& options) {
    Tensor<T> dx;
    avg_pool2d_backward(dy, shape_of_x, options, dx);
    return dx;
}

#define HANDGRAD_INSTANTIATE(T)                                                                                        \
    template void avg_pool2d_forward(const Tensor<T>&, const AvgPool2dOptions&, Tensor<T>&);                           \
    template void avg_pool2d_backward(const Tensor<T>&, const Shape&, const AvgPool2dOptions&, Tensor<T>&);            \
    template Tensor<T> avg_pool2d_forward(const Tensor<T>&, const AvgPool2dOptions&);                                  \
    template Tensor<T> avg_pool2d_backward(const Tensor<T>&, const Shape&, const AvgPool2dOptions&);
HANDGRAD_INSTANTIATE(float)
HANDGRAD_INSTANTIATE(double)

} // namespace handgrad::device
