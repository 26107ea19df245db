#include "handgrad/ops/l2_penalty/device.hpp"

#include <vector>

#include "handgrad/device/launch.hpp"

namespace handgrad::device {

template <class T> T l2_penalty_forward(const Tensor<T>& w, double lambda) {
    const std::size_t count = (w.size() + kernels::l2_block - 1) / kernels::l2_block;
    T* parts = scratch<T>(count);
    kernels::l2_penalty_parts(w.data(), w.size(), parts);
    thread_local std::vector<T> sums;
    sums.resize(count);
    kernels::copy_to_host(parts, sums.data(), count * sizeof(T));
    T total(0);
    for (const T sum : sums) { total += sum; }
    return static_cast<T>(0.5 * lambda) * total;
}

template <class T> void l2_penalty_backward(const Tensor<T>& w, double lambda, Tensor<T>& dw, Accumulate mode) {
    prepare_gradient("l2_penalty_backward", "dw", dw, w.shape(), mode);
    kernels::l2_penalty_backward(w.data(), w.size(), static_cast<T>(lambda), dw.data(), mode == Accumulate::yes);
}

template <class T> Tensor<T> l2_penalty_backward(const Tensor<T>& w, double lambda) {
    Tensor<T> dw;
    l2_penalty_backward(w, lambda, dw);
    return dw;
}

#define HANDGRAD_INSTANTIATE(T)                                                                                        \
    template T l2_penalty_forward(const Tensor<T>&, double);                                                           \
    template void l2_penalty_backward(const Tensor<T>&, double, Tensor<T>&, Accumulate);                               \
    template Tensor<T> l2_penalty_backward(const Tensor<T>&, double);
HANDGRAD_INSTANTIATE(float)
HANDGRAD_INSTANTIATE(double)

} // namespace handgrad::device
