#include "handgrad/ops/flatten/cpu.hpp"

#include "handgrad/tensor/entrywise.hpp"

namespace handgrad::cpu {

template <class T> void flatten_forward(const Tensor<T>& x, Tensor<T>& y) {
    resize(y, check_flatten_forward(x, y));
    entrywise(x.data(), y.data(), x.size(), [](auto v) { return v; });
}

template <class T> void flatten_backward(const Tensor<T>& dy, const Shape& shape_of_x, Tensor<T>& dx) {
    check_flatten_backward(dy, shape_of_x, dx);
    resize(dx, shape_of_x);
    entrywise(dy.data(), dx.data(), dy.size(), [](auto v) { return v; });
}

#define HANDGRAD_INSTANTIATE(T)                                                                                        \
    template void flatten_forward(const Tensor<T>&, Tensor<T>&);                                                       \
    template void flatten_backward(const Tensor<T>&, const Shape&, Tensor<T>&);
HANDGRAD_INSTANTIATE(float)
HANDGRAD_INSTANTIATE(double)

} // namespace handgrad::cpu
