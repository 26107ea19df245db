// relu, entry by entry: thrust::transform. Forward reads one number and writes one, backward reads two: 1 operation for 2
// or 3 numbers of memory, so memory is all that counts.

#include "handgrad/device/kernels.hpp"
#include "handgrad/device/run.hpp"

namespace handgrad::device::kernels {
namespace {

template <class T> struct Forward {
    HANDGRAD_HOST_DEVICE T operator()(T x) const { return x < T(0) ? T(0) : x; } // NaN and -0 pass
};

template <class T> struct Backward {
    HANDGRAD_HOST_DEVICE T operator()(T x, T dy) const { return x <= T(0) ? T(0) : dy; }
};

} // namespace

template <class T> void relu_forward(const T* x, T* y, std::size_t n) {
    run(n, [&](const auto& policy) { thrust::transform(policy, x, x + n, y, Forward<T>{}); });
}

template <class T> void relu_backward(const T* x, const T* dy, T* dx, std::size_t n) {
    run(n, [&](const auto& policy) { thrust::transform(policy, x, x + n, dy, dx, Backward<T>{}); });
}

#define HANDGRAD_INSTANTIATE(T)                                                                                        \
    template void relu_forward(const T*, T*, std::size_t);                                                             \
    template void relu_backward(const T*, const T*, T*, std::size_t);
HANDGRAD_INSTANTIATE(float)
HANDGRAD_INSTANTIATE(double)

} // namespace handgrad::device::kernels
