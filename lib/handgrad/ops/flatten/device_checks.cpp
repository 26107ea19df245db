#include "handgrad/ops/flatten/device.hpp"

#include "handgrad/device/kernels.hpp"

namespace handgrad::device {

// The numbers stay in their order: a copy within the device.

template <class T> void flatten_forward(const Tensor<T>& x, Tensor<T>& y) {
    resize(y, check_flatten_forward(x, y));
    kernels::copy(x.data(), y.data(), x.size() * sizeof(T));
}

template <class T> void flatten_backward(const Tensor<T>& dy, const Shape& shape_of_x, Tensor<T>& dx) {
    check_flatten_backward(dy, shape_of_x, dx);
    resize(dx, shape_of_x);
    kernels::copy(dy.data(), dx.data(), dy.size() * sizeof(T));
}

#define HANDGRAD_INSTANTIATE(T)                                                                                        \
    template void flatten_forward(const Tensor<T>&, Tensor<T>&);                                                       \
    template void flatten_backward(const Tensor<T>&, const Shape&, Tensor<T>&);
HANDGRAD_INSTANTIATE(float)
HANDGRAD_INSTANTIATE(double)

} // namespace handgrad::device
