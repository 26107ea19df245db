#include "handgrad/ops/softmax/device.hpp"

#include "handgrad/device/launch.hpp"

namespace handgrad::device {

template <class T> void softmax_forward(const Tensor<T>& z, Tensor<T>& p) {
    resize(p, check_softmax_forward(z.shape()));
    require_countable("softmax_forward", "z", z.shape());
    kernels::softmax_forward(z.data(), p.data(), z.shape(0), z.shape(1));
}

template <class T> void softmax_backward(const Tensor<T>& p, const Tensor<T>& dp, Tensor<T>& dz) {
    resize(dz, check_softmax_backward(p.shape(), dp.shape()));
    require_countable("softmax_backward", "p", p.shape());
    kernels::softmax_backward(p.data(), dp.data(), dz.data(), p.shape(0), p.shape(1));
}

template <class T> Tensor<T> softmax_forward(const Tensor<T>& z) {
    Tensor<T> p;
    softmax_forward(z, p);
    return p;
}

template <class T> Tensor<T> softmax_backward(const Tensor<T>& p, const Tensor<T>& dp) {
    Tensor<T> dz;
    softmax_backward(p, dp, dz);
    return dz;
}

#define HANDGRAD_INSTANTIATE(T)                                                                                        \
    template void softmax_forward(const Tensor<T>&, Tensor<T>&);                                                       \
    template void softmax_backward(const Tensor<T>&, const Tensor<T>&, Tensor<T>&);                                    \
    template Tensor<T> softmax_forward(const Tensor<T>&);                                                              \
    template Tensor<T> softmax_backward(const Tensor<T>&, const Tensor<T>&);
HANDGRAD_INSTANTIATE(float)
HANDGRAD_INSTANTIATE(double)

} // namespace handgrad::device
