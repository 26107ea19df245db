#include "handgrad/ops/pool2d/device.hpp"

#include "handgrad/device/launch.hpp"
#include "handgrad/ops/pool2d/cpu.hpp"

namespace handgrad::device {

template <class T>
void max_pool2d_forward(const Tensor<T>& x, const MaxPool2dOptions& o, Tensor<T>& y, Indices& indices) {
    if (uses_cpu_kernels()) { return cpu::max_pool2d_forward(x.on_host(), o, y.on_host(), indices.on_host()); }
    const Shape shape = check_max_pool2d_forward(x, o, y);
    require_countable("max_pool2d_forward", "x", x.shape());
    resize(y, shape);
    resize(indices, shape);
    const auto rows = axis(x.shape(2), o.kernel_size.h, shape[2], o.stride.h, o.padding.h, o.dilation.h);
    const auto columns = axis(x.shape(3), o.kernel_size.w, shape[3], o.stride.w, o.padding.w, o.dilation.w);
    kernels::max_pool2d_forward(rows, columns, shape[0] * shape[1], x.data(), y.data(), indices.data());
}

template <class T>
void max_pool2d_backward(const Tensor<T>& dy, const Indices& indices, const Shape& shape_of_x, Tensor<T>& dx) {
    if (uses_cpu_kernels()) {
        return cpu::max_pool2d_backward(dy.on_host(), indices.on_host(), shape_of_x, dx.on_host());
    }
    check_max_pool2d_backward_shapes(dy, indices, shape_of_x, dx);
    require_countable("max_pool2d_backward", "x", shape_of_x);
    const std::size_t pixels = shape_of_x[2] * shape_of_x[3];
    if (!kernels::are_pixels(indices.data(), indices.size(), pixels)) {
        check_max_pool2d_backward(dy.shape(), to_host(indices), shape_of_x); // which says what is wrong
    }
    resize(dx, shape_of_x);
    kernels::max_pool2d_backward(dy.data(), indices.data(), dx.data(), dy.shape(0) * dy.shape(1),
                                 dy.shape(2) * dy.shape(3), pixels);
}

template <class T> MaxPool2dResult<T> max_pool2d_forward(const Tensor<T>& x, const MaxPool2dOptions& options) {
    MaxPool2dResult<T> result;
    max_pool2d_forward(x, options, result.y, result.indices);
    return result;
}

template <class T> Tensor<T> max_pool2d_backward(const Tensor<T>& dy, const Indices& indices, const Shape& shape_of_x) {
    Tensor<T> dx;
    max_pool2d_backward(dy, indices, shape_of_x, dx);
    return dx;
}

#define HANDGRAD_INSTANTIATE(T)                                                                                        \
    template void max_pool2d_forward(const Tensor<T>&, const MaxPool2dOptions&, Tensor<T>&, Indices&);                 \
    template void max_pool2d_backward(const Tensor<T>&, const Indices&, const Shape&, Tensor<T>&);                     \
    template MaxPool2dResult<T> max_pool2d_forward(const Tensor<T>&, const MaxPool2dOptions&);                         \
    template Tensor<T> max_pool2d_backward(const Tensor<T>&, const Indices&, const Shape&);
HANDGRAD_INSTANTIATE(float)
HANDGRAD_INSTANTIATE(double)

} // namespace handgrad::device
