#include "handgrad/ops/activation/device.hpp"

#include "handgrad/device/kernels.hpp"

namespace handgrad::device {

template <class T> void relu_forward(const Tensor<T>& x, Tensor<T>& y) {
    resize(y, x.shape());
    kernels::relu_forward(x.data(), y.data(), x.size());
}

template <class T> void relu_backward(const Tensor<T>& x, const Tensor<T>& dy, Tensor<T>& dx) {
    resize(dx, check_activation_backward("relu_backward", x.shape(), dy.shape()));
    kernels::relu_backward(x.data(), dy.data(), dx.data(), dy.size());
}

template <class T> Tensor<T> relu_forward(const Tensor<T>& x) {
    Tensor<T> y;
    relu_forward(x, y);
    return y;
}

template <class T> Tensor<T> relu_backward(const Tensor<T>& x, const Tensor<T>& dy) {
    Tensor<T> dx;
    relu_backward(x, dy, dx);
    return dx;
}

#define HANDGRAD_INSTANTIATE(T)                                                                                        \
    template void relu_forward(const Tensor<T>&, Tensor<T>&);                                                          \
    template void relu_backward(const Tensor<T>&, const Tensor<T>&, Tensor<T>&);                                       \
    template Tensor<T> relu_forward(const Tensor<T>&);                                                                 \
    template Tensor<T> relu_backward(const Tensor<T>&, const Tensor<T>&);
HANDGRAD_INSTANTIATE(float)
HANDGRAD_INSTANTIATE(double)

} // namespace handgrad::device
