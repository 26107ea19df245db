#include "handgrad/ops/linear/device.hpp"

#include "handgrad/device/launch.hpp"
#include "handgrad/ops/linear/cpu.hpp"

namespace handgrad::device {

template <class T> void linear_forward(const Tensor<T>& x, const Tensor<T>& w, const Tensor<T>& b, Tensor<T>& y) {
    if (uses_cpu_kernels()) { return cpu::linear_forward(x.on_host(), w.on_host(), b.on_host(), y.on_host()); }
    resize(y, check_linear_forward(x, w, b, y));
    kernels::linear_forward(x.data(), w.data(), b.data(), y.data(), x.shape(0), w.shape(0), w.shape(1), is_plain());
}

template <class T> void linear_backward_input(const Tensor<T>& dy, const Tensor<T>& w, Tensor<T>& dx) {
    if (uses_cpu_kernels()) { return cpu::linear_backward_input(dy.on_host(), w.on_host(), dx.on_host()); }
    resize(dx, check_linear_backward_input(dy, w, dx));
    kernels::linear_backward_input(dy.data(), w.data(), dx.data(), dy.shape(0), w.shape(0), w.shape(1), is_plain());
}

template <class T>
void linear_backward_weight(const Tensor<T>& x, const Tensor<T>& dy, Tensor<T>& dw, Accumulate mode) {
    if (uses_cpu_kernels()) { return cpu::linear_backward_weight(x.on_host(), dy.on_host(), dw.on_host(), mode); }
    prepare_gradient("linear_backward_weight", "dw", dw, check_linear_backward_weight(x, dy, dw), mode);
    kernels::linear_backward_weight(x.data(), dy.data(), dw.data(), x.shape(0), x.shape(1), dy.shape(1),
                                    mode == Accumulate::yes, is_plain());
}

template <class T> void linear_backward_bias(const Tensor<T>& dy, Tensor<T>& db, Accumulate mode) {
    prepare_gradient("linear_backward_bias", "db", db, check_linear_backward_bias(dy, db), mode);
    kernels::linear_backward_bias(dy.data(), db.data(), dy.shape(0), dy.shape(1), mode == Accumulate::yes);
}

template <class T> Tensor<T> linear_forward(const Tensor<T>& x, const Tensor<T>& w, const Tensor<T>& b) {
    Tensor<T> y;
    linear_forward(x, w, b, y);
    return y;
}

template <class T> LinearGradients<T> linear_backward(const Tensor<T>& x, const Tensor<T>& w, const Tensor<T>& dy) {
    LinearGradients<T> g;
    linear_backward_input(dy, w, g.dx);
    linear_backward_weight(x, dy, g.dw);
    linear_backward_bias(dy, g.db);
    return g;
}

#define HANDGRAD_INSTANTIATE(T)                                                                                        \
    template void linear_forward(const Tensor<T>&, const Tensor<T>&, const Tensor<T>&, Tensor<T>&);                    \
    template void linear_backward_input(const Tensor<T>&, const Tensor<T>&, Tensor<T>&);                               \
    template void linear_backward_weight(const Tensor<T>&, const Tensor<T>&, Tensor<T>&, Accumulate);                  \
    template void linear_backward_bias(const Tensor<T>&, Tensor<T>&, Accumulate);                                      \
    template Tensor<T> linear_forward(const Tensor<T>&, const Tensor<T>&, const Tensor<T>&);                           \
    template LinearGradients<T> linear_backward(const Tensor<T>&, const Tensor<T>&, const Tensor<T>&);
HANDGRAD_INSTANTIATE(float)
HANDGRAD_INSTANTIATE(double)

} // namespace handgrad::device
