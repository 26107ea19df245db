#include "handgrad/ops/activation/cpu_tanh.hpp"

#include "handgrad/tensor/entrywise.hpp"
#include "handgrad/tensor/exp.hpp"

namespace handgrad::cpu {

template <class T> void tanh_forward(const Tensor<T>& x, Tensor<T>& y) {
    resize(y, x.shape());
    entrywise(x.data(), y.data(), x.size(), [](auto v) { return vector_tanh(v); });
}

template <class T> void tanh_backward(const Tensor<T>& y, const Tensor<T>& dy, Tensor<T>& dx) {
    resize(dx, check_activation_backward("tanh_backward", y.shape(), dy.shape()));
    entrywise(y.data(), dy.data(), dx.data(), y.size(), [](auto v, auto g) { return g * (Vec<T>(1) - v * v); });
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

} // namespace handgrad::cpu
