// The activations, one item for each entry. relu takes 1 operation for 2 or 3 numbers of memory. The exponentials of
// sigmoid and tanh take about 20 operations; their backward needs none, because it reads y. Memory limits the speed of
// all kernels. Formulas: activation.hpp.

#include <cmath>

#include "handgrad/device/run.hpp"
#include "handgrad/ops/activation/activation.hpp"

namespace handgrad {
namespace {

template <class T> HANDGRAD_HOST_DEVICE T value(ReLU, T x) { return x < T(0) ? T(0) : x; } // NaN and -0 pass
template <class T> HANDGRAD_HOST_DEVICE T gradient(ReLU, T x, T dy) { return x <= T(0) ? T(0) : dy; }

template <class T> HANDGRAD_HOST_DEVICE T value(LeakyReLU f, T x) {
    return x > T(0) ? x : static_cast<T>(f.negative_slope) * x;
}
template <class T> HANDGRAD_HOST_DEVICE T gradient(LeakyReLU f, T x, T dy) {
    return x > T(0) ? dy : static_cast<T>(f.negative_slope) * dy;
}

template <class T> HANDGRAD_HOST_DEVICE T value(Sigmoid, T x) {
    const T e = std::exp(x < T(0) ? x : -x); // of -|x|, which never overflows
    return (x < T(0) ? e : T(1)) / (T(1) + e);
}
template <class T> HANDGRAD_HOST_DEVICE T gradient(Sigmoid, T y, T dy) { return dy * y * (T(1) - y); }

template <class T> HANDGRAD_HOST_DEVICE T value(Tanh, T x) { return std::tanh(x); }
template <class T> HANDGRAD_HOST_DEVICE T gradient(Tanh, T y, T dy) { return dy * (T(1) - y * y); }

template <class T> HANDGRAD_HOST_DEVICE T gelu_tanh(T x) { // t of the contract
    return std::tanh(T(GELU::slope) * (x + T(GELU::cubic) * x * x * x));
}
template <class T> HANDGRAD_HOST_DEVICE T value(GELU, T x) { return T(0.5) * x * (T(1) + gelu_tanh(x)); }
template <class T> HANDGRAD_HOST_DEVICE T gradient(GELU, T x, T dy) {
    const T t = gelu_tanh(x), du = T(GELU::slope) * (T(1) + T(3 * GELU::cubic) * x * x);
    return dy * (T(0.5) * (T(1) + t) + T(0.5) * x * (T(1) - t * t) * du);
}

template <class T> HANDGRAD_HOST_DEVICE T value(SiLU, T x) { return x * value(Sigmoid(), x); }
template <class T> HANDGRAD_HOST_DEVICE T gradient(SiLU, T x, T dy) {
    const T s = value(Sigmoid(), x);
    return dy * s * (T(1) + x * (T(1) - s));
}

template <class F, class T> struct Forward {
    VectorView<const T> x;
    F f;
    HANDGRAD_HOST_DEVICE T operator()(std::size_t i) const { return value(f, x(i)); }
};

template <class F, class T> struct Backward {
    VectorView<const T> kept, dy;
    F f;
    HANDGRAD_HOST_DEVICE T operator()(std::size_t i) const { return gradient(f, kept(i), dy(i)); }
};

} // namespace

template <> template <class F, class T>
void ActivationKernels<OnDevice>::forward(VectorView<const T> x, VectorView<T> y, F f) {
    device::tabulate(y.data, y.size, 1, Forward<F, T>{x, f});
}

template <> template <class F, class T>
void ActivationKernels<OnDevice>::backward(VectorView<const T> kept, VectorView<const T> dy, VectorView<T> dx, F f) {
    device::tabulate(dx.data, dx.size, 1, Backward<F, T>{kept, dy, f});
}

HANDGRAD_INSTANTIATE_ACTIVATIONS(OnDevice)

} // namespace handgrad
