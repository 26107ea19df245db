#include "handgrad/ops/activation/cpu_sigmoid.hpp"

#include "handgrad/tensor/entrywise.hpp"
#include "handgrad/tensor/exp.hpp"

namespace handgrad::cpu {

template <class T> void sigmoid_forward(const Tensor<T>& x, Tensor<T>& y) {
    resize(y, x.shape());
    // With e = exp(-|x|), which never overflows: 1 / (1 + e) for x >= 0 and e / (1 + e) for x < 0.
    entrywise(x.data(), y.data(), x.size(), [](auto v) {
        const auto e = vector_exp(-xsimd::abs(v));
        return xsimd::select(v < Vec<T>(0), e, Vec<T>(1)) / (Vec<T>(1) + e);
    });
}

template <class T> void sigmoid_backward(const Tensor<T>& y, const Tensor<T>& dy, Tensor<T>& dx) {
    resize(dx, check_activation_backward("sigmoid_backward", y.shape(), dy.shape()));
    entrywise(y.data(), dy.data(), dx.data(), y.size(), [](auto v, auto g) { return g * v * (Vec<T>(1) - v); });
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

} // namespace handgrad::cpu
