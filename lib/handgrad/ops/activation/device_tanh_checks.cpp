#include "handgrad/ops/activation/device_tanh.hpp"

#include "handgrad/device/kernels.hpp"

namespace handgrad::device {

template <class T> void tanh_forward(const Tensor<T>& x, Tensor<T>& y) {
    resize(y, x.shape());
    kernels::tanh_forward(x.data(), y.data(), x.size());
}

template <class T> void tanh_backward(const Tensor<T>& y, const Tensor<T>& dy, Tensor<T>& dx) {
    resize(dx, check_activation_backward("tanh_backward", y.shape(), dy.shape()));
    kernels::tanh_backward(y.data(), dy.data(), dx.data(), dy.size());
}

template <class T> Tensor<T> tanh_forward(const Tensor<T>& x) {
    Tensor<T> y;
    tanh_forward(x, y);
    return y;
}

template <class T> Tensor<T> tanh_backward(const Tensor<T>& y, const Tensor<T>& dy) {
    Tensor<T> dx;
    tanh_backward(y, dy, dx);
    return dx;
}

#define HANDGRAD_INSTANTIATE(T)                                                                                        \
    template void tanh_forward(const Tensor<T>&, Tensor<T>&);                                                          \
    template void tanh_backward(const Tensor<T>&, const Tensor<T>&, Tensor<T>&);                                       \
    template Tensor<T> tanh_forward(const Tensor<T>&);                                                                 \
    template Tensor<T> tanh_backward(const Tensor<T>&, const Tensor<T>&);
HANDGRAD_INSTANTIATE(float)
HANDGRAD_INSTANTIATE(double)

} // namespace handgrad::device
