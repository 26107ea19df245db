#include "handgrad/ops/activation/cpu.hpp"

#include "handgrad/tensor/entrywise.hpp"

namespace handgrad::cpu {

template <class T> void relu_forward(const Tensor<T>& x, Tensor<T>& y) {
    resize(y, x.shape());
    // select, not max: max(NaN, 0) would be 0. And -0 is not below 0: it stays.
    entrywise(x.data(), y.data(), x.size(), [](auto v) { return xsimd::select(v < Vec<T>(0), Vec<T>(0), v); });
}

template <class T> void relu_backward(const Tensor<T>& x, const Tensor<T>& dy, Tensor<T>& dx) {
    resize(dx, check_activation_backward("relu_backward", x.shape(), dy.shape()));
    entrywise(x.data(), dy.data(), dx.data(), x.size(),
              [](auto v, auto g) { return xsimd::select(v <= Vec<T>(0), Vec<T>(0), g); });
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

} // namespace handgrad::cpu
