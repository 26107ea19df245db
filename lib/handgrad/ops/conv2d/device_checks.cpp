#include "handgrad/ops/conv2d/device.hpp"

#include "handgrad/device/launch.hpp"
#include "handgrad/ops/conv2d/cpu.hpp"

namespace handgrad::device {

template <class T> void conv2d_forward(const Tensor<T>& x, const Tensor<T>& w, const Tensor<T>& b,
                                       const Conv2dOptions& options, Tensor<T>& y) {
    if (uses_cpu_kernels()) { return cpu::conv2d_forward(x.on_host(), w.on_host(), b.on_host(), options, y.on_host()); }
    const Shape shape = check_conv2d_forward(x, w, b, options, y);
    const kernels::ConvExtents e = extents("conv2d_forward", x.shape(), w.shape(), shape, options);
    resize(y, shape);
    const T* bias = b.size() == 0 ? nullptr : b.data();
    kernels::conv2d_forward(e, x.data(), w.data(), bias, y.data(), is_plain());
}

template <class T> void conv2d_backward_input(const Tensor<T>& dy, const Tensor<T>& w, const Shape& shape_of_x,
                                              const Conv2dOptions& options, Tensor<T>& dx) {
    if (uses_cpu_kernels()) {
        return cpu::conv2d_backward_input(dy.on_host(), w.on_host(), shape_of_x, options, dx.on_host());
    }
    resize(dx, check_conv2d_backward_input(dy, w, shape_of_x, options, dx));
    const kernels::ConvExtents e = extents("conv2d_backward_input", shape_of_x, w.shape(), dy.shape(), options);
    kernels::conv2d_backward_input(e, dy.data(), w.data(), dx.data(), is_plain());
}

template <class T> void conv2d_backward_weight(const Tensor<T>& x, const Tensor<T>& dy, const Shape& shape_of_w,
                                               const Conv2dOptions& options, Tensor<T>& dw, Accumulate mode) {
    if (uses_cpu_kernels()) {
        return cpu::conv2d_backward_weight(x.on_host(), dy.on_host(), shape_of_w, options, dw.on_host(), mode);
    }
    const Shape shape = check_conv2d_backward_weight(x, dy, shape_of_w, options, dw);
    prepare_gradient("conv2d_backward_weight", "dw", dw, shape, mode);
    const kernels::ConvExtents e = extents("conv2d_backward_weight", x.shape(), shape, dy.shape(), options);
    T* parts = scratch<T>(kernels::batch_parts(x.shape(0)) * dw.size());
    kernels::conv2d_backward_weight(e, x.data(), dy.data(), dw.data(), mode == Accumulate::yes, parts, is_plain());
}

template <class T> void conv2d_backward_bias(const Tensor<T>& dy, Tensor<T>& db, Accumulate mode) {
    if (uses_cpu_kernels()) { return cpu::conv2d_backward_bias(dy.on_host(), db.on_host(), mode); }
    prepare_gradient("conv2d_backward_bias", "db", db, check_conv2d_backward_bias(dy, db), mode);
    require_countable("conv2d_backward_bias", "dy", dy.shape());
    const std::size_t n = dy.shape(0), k = dy.shape(1);
    T* parts = scratch<T>(kernels::batch_parts(n) * k);
    kernels::conv2d_backward_bias(dy.data(), db.data(), n, k, dy.shape(2) * dy.shape(3), mode == Accumulate::yes,
                                  parts);
}

template <class T>
Tensor<T> conv2d_forward(const Tensor<T>& x, const Tensor<T>& w, const Tensor<T>& b, const Conv2dOptions& options) {
    Tensor<T> y;
    conv2d_forward(x, w, b, options, y);
    return y;
}

template <class T> Conv2dGradients<T> conv2d_backward(const Tensor<T>& x, const Tensor<T>& w, const Tensor<T>& dy,
                                                      const Conv2dOptions& options) {
    Conv2dGradients<T> g;
    conv2d_backward_input(dy, w, x.shape(), options, g.dx);
    conv2d_backward_weight(x, dy, w.shape(), options, g.dw);
    conv2d_backward_bias(dy, g.db);
    return g;
}

#define HANDGRAD_INSTANTIATE(T)                                                                                        \
    template void conv2d_forward(const Tensor<T>&, const Tensor<T>&, const Tensor<T>&, const Conv2dOptions&,           \
                                 Tensor<T>&);                                                                          \
    template void conv2d_backward_input(const Tensor<T>&, const Tensor<T>&, const Shape&, const Conv2dOptions&,        \
                                        Tensor<T>&);                                                                   \
    template void conv2d_backward_weight(const Tensor<T>&, const Tensor<T>&, const Shape&, const Conv2dOptions&,       \
                                         Tensor<T>&, Accumulate);                                                      \
    template void conv2d_backward_bias(const Tensor<T>&, Tensor<T>&, Accumulate);                                      \
    template Tensor<T> conv2d_forward(const Tensor<T>&, const Tensor<T>&, const Tensor<T>&, const Conv2dOptions&);     \
    template Conv2dGradients<T> conv2d_backward(const Tensor<T>&, const Tensor<T>&, const Tensor<T>&,                  \
                                                const Conv2dOptions&);
HANDGRAD_INSTANTIATE(float)
HANDGRAD_INSTANTIATE(double)

} // namespace handgrad::device
