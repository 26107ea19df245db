#include "handgrad/ops/activation/device_sigmoid.hpp"

#include "handgrad/device/kernels.hpp"

namespace handgrad::device {

template <class T> void sigmoid_forward(const Tensor<T>& x, Tensor<T>& y) {
    resize(y, x.shape());
    kernels::sigmoid_forward(x.data(), y.data(), x.size());
}

template <class T> void sigmoid_backward(const Tensor<T>& y, const Tensor<T>& dy, Tensor<T>& dx) {
    resize(dx, check_activation_backward("sigmoid_backward", y.shape(), dy.shape()));
    kernels::sigmoid_backward(y.data(), dy.data(), dx.data(), dy.size());
}

template <class T> Tensor<T> sigmoid_forward(const Tensor<T>& x) {
    Tensor<T> y;
    sigmoid_forward(x, y);
    return y;
}

template <class T> Tensor<T> sigmoid_backward(const Tensor<T>& y, const Tensor<T>& dy) {
    Tensor<T> dx;
    sigmoid_backward(y, dy, dx);
    return dx;
}

#define HANDGRAD_INSTANTIATE(T)                                                                                        \
    template void sigmoid_forward(const Tensor<T>&, Tensor<T>&);                                                       \
    template void sigmoid_backward(const Tensor<T>&, const Tensor<T>&, Tensor<T>&);                                    \
    template Tensor<T> sigmoid_forward(const Tensor<T>&);                                                              \
    template Tensor<T> sigmoid_backward(const Tensor<T>&, const Tensor<T>&);
HANDGRAD_INSTANTIATE(float)
HANDGRAD_INSTANTIATE(double)

} // namespace handgrad::device
