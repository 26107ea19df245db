#include "handgrad/ops/conv2d_relu_max_pool2d/device.hpp"

#include "handgrad/device/launch.hpp"
#include "handgrad/ops/conv2d_relu_max_pool2d/cpu.hpp"

namespace handgrad::device {

template <class T> void conv2d_relu_max_pool2d_forward(const Tensor<T>& x, const Tensor<T>& w, const Tensor<T>& b,
                                                       const Conv2dOptions& options, Tensor<T>& y, Tensor<T>& winners) {
    if (uses_cpu_kernels()) {
        return cpu::conv2d_relu_max_pool2d_forward(x.on_host(), w.on_host(), b.on_host(), options, y.on_host(),
                                                   winners.on_host());
    }
    const auto shapes = check_conv2d_relu_max_pool2d_forward(x, w, b, options, y, winners);
    const auto e = extents("conv2d_relu_max_pool2d_forward", x.shape(), w.shape(), shapes.z, options);
    resize(y, shapes.y);
    resize(winners, shapes.y);
    const T* bias = b.size() == 0 ? nullptr : b.data();
    kernels::conv2d_relu_max_pool2d_forward(e, x.data(), w.data(), bias, y.data(), winners.data());
}

template <class T> void conv2d_relu_max_pool2d_backward_input(const Tensor<T>& dy, const Tensor<T>& winners,
                                                              const Tensor<T>& w, const Shape& shape_of_x,
                                                              const Conv2dOptions& options, Tensor<T>& dx) {
    if (uses_cpu_kernels()) {
        return cpu::conv2d_relu_max_pool2d_backward_input(dy.on_host(), winners.on_host(), w.on_host(), shape_of_x,
                                                          options, dx.on_host());
    }
    const auto where = "conv2d_relu_max_pool2d_backward_input";
    const auto shapes = check_conv2d_relu_max_pool2d_backward_input(where, dy, winners, w, shape_of_x, options, dx);
    require_shape(where, "winners", winners.shape(), dy.shape());
    const auto e = extents(where, shape_of_x, w.shape(), shapes.z, options);
    resize(dx, shape_of_x);
    kernels::conv2d_relu_max_pool2d_backward_input(e, dy.data(), winners.data(), w.data(), dx.data());
}

template <class T> void conv2d_relu_max_pool2d_backward_parameters(const Tensor<T>& x, const Tensor<T>& dy,
                                                                   const Tensor<T>& winners, const Shape& shape_of_w,
                                                                   const Conv2dOptions& options, Tensor<T>& dw,
                                                                   Tensor<T>& db, Accumulate mode) {
    if (uses_cpu_kernels()) {
        return cpu::conv2d_relu_max_pool2d_backward_parameters(x.on_host(), dy.on_host(), winners.on_host(), shape_of_w,
                                                               options, dw.on_host(), db.on_host(), mode);
    }
    const auto where = "conv2d_relu_max_pool2d_backward_parameters";
    const auto shapes =
        check_conv2d_relu_max_pool2d_backward_parameters(where, x, dy, winners, shape_of_w, options, dw, db);
    require_shape(where, "winners", winners.shape(), dy.shape());
    prepare_gradient(where, "dw", dw, shape_of_w, mode);
    prepare_gradient(where, "db", db, {shape_of_w[0]}, mode);
    const auto e = extents(where, x.shape(), shape_of_w, shapes.z, options);
    const std::size_t size_of_parts = kernels::batch_parts(x.shape(0)) * std::max(dw.size(), db.size());
    T* parts = scratch<T>(size_of_parts + x.shape(0) * x.shape(1));
    kernels::conv2d_relu_max_pool2d_backward_parameters(e, x.data(), dy.data(), winners.data(), dw.data(), db.data(),
                                                        mode == Accumulate::yes, parts, parts + size_of_parts);
}

#define HANDGRAD_INSTANTIATE(T)                                                                                        \
    template void conv2d_relu_max_pool2d_forward(const Tensor<T>&, const Tensor<T>&, const Tensor<T>&,                 \
                                                 const Conv2dOptions&, Tensor<T>&, Tensor<T>&);                        \
    template void conv2d_relu_max_pool2d_backward_input(const Tensor<T>&, const Tensor<T>&, const Tensor<T>&,          \
                                                        const Shape&, const Conv2dOptions&, Tensor<T>&);               \
    template void conv2d_relu_max_pool2d_backward_parameters(const Tensor<T>&, const Tensor<T>&, const Tensor<T>&,     \
                                                             const Shape&, const Conv2dOptions&, Tensor<T>&,           \
                                                             Tensor<T>&, Accumulate);
HANDGRAD_INSTANTIATE(float)
HANDGRAD_INSTANTIATE(double)

} // namespace handgrad::device
