// The activations in SIMD registers; threads share the chunks. Formulas: activation.hpp.

#include <type_traits>

#include "handgrad/ops/activation/activation.hpp"
#include "handgrad/tensor/entrywise.hpp"
#include "handgrad/tensor/exp.hpp"

namespace handgrad {
namespace {

using cpu::Vec;

// select, not max: max(NaN, 0) would be 0. -0 is not less than 0, so it stays.
template <class T> Vec<T> value(ReLU, Vec<T> x) { return xsimd::select(x < Vec<T>(0), Vec<T>(0), x); }
template <class T> Vec<T> gradient(ReLU, Vec<T> x, Vec<T> dy) { return xsimd::select(x <= Vec<T>(0), Vec<T>(0), dy); }

template <class T> Vec<T> value(LeakyReLU f, Vec<T> x) {
    return xsimd::select(x > Vec<T>(0), x, Vec<T>(static_cast<T>(f.negative_slope)) * x);
}
template <class T> Vec<T> gradient(LeakyReLU f, Vec<T> x, Vec<T> dy) {
    return xsimd::select(x > Vec<T>(0), dy, Vec<T>(static_cast<T>(f.negative_slope)) * dy);
}

template <class T> Vec<T> value(Sigmoid, Vec<T> x) {
    // With e = exp(-|x|), which never overflows: 1 / (1 + e) for x >= 0 and e / (1 + e) for x < 0.
    const Vec<T> e = cpu::vector_exp(-xsimd::abs(x));
    return xsimd::select(x < Vec<T>(0), e, Vec<T>(1)) / (Vec<T>(1) + e);
}
template <class T> Vec<T> gradient(Sigmoid, Vec<T> y, Vec<T> dy) { return dy * y * (Vec<T>(1) - y); }

template <class T> Vec<T> value(Tanh, Vec<T> x) { return cpu::vector_tanh(x); }
template <class T> Vec<T> gradient(Tanh, Vec<T> y, Vec<T> dy) { return dy * (Vec<T>(1) - y * y); }

template <class T> Vec<T> gelu_tanh(Vec<T> x) { // t of the contract
    return cpu::vector_tanh(Vec<T>(T(GELU::slope)) * (x + Vec<T>(T(GELU::cubic)) * x * x * x));
}
template <class T> Vec<T> value(GELU, Vec<T> x) { return Vec<T>(T(0.5)) * x * (Vec<T>(1) + gelu_tanh<T>(x)); }
template <class T> Vec<T> gradient(GELU, Vec<T> x, Vec<T> dy) {
    const Vec<T> t = gelu_tanh<T>(x), half(T(0.5)), one(T(1));
    const Vec<T> du = Vec<T>(T(GELU::slope)) * (one + Vec<T>(T(3 * GELU::cubic)) * x * x);
    return dy * (half * (one + t) + half * x * (one - t * t) * du);
}

template <class T> Vec<T> value(SiLU, Vec<T> x) { return x * value(Sigmoid(), x); }
template <class T> Vec<T> gradient(SiLU, Vec<T> x, Vec<T> dy) {
    const Vec<T> s = value(Sigmoid(), x), one(T(1));
    return dy * s * (one + x * (one - s));
}

/// Whether forward and backward compute an exponential. Those of sigmoid and tanh do so in forward alone.
template <class F> constexpr bool is_costly = std::is_same_v<F, GELU> || std::is_same_v<F, SiLU>;
template <class F> constexpr bool is_costly_forward =
    is_costly<F> || std::is_same_v<F, Sigmoid> || std::is_same_v<F, Tanh>;

std::size_t grain(bool costly) { return costly ? cpu::costly_grain : cpu::entrywise_grain; }

} // namespace

template <> template <class F, class T>
void ActivationKernels<OnCpu>::forward(VectorView<const T> x, VectorView<T> y, F f) {
    cpu::entrywise(
        x.data, y.data, x.size, [f](Vec<T> v) { return value(f, v); }, grain(is_costly_forward<F>));
}

template <> template <class F, class T>
void ActivationKernels<OnCpu>::backward(VectorView<const T> kept, VectorView<const T> dy, VectorView<T> dx, F f) {
    cpu::entrywise(
        kept.data, dy.data, dx.data, kept.size, [f](Vec<T> v, Vec<T> g) { return gradient(f, v, g); },
        grain(is_costly<F>));
}

HANDGRAD_INSTANTIATE_ACTIVATIONS(OnCpu)

} // namespace handgrad
