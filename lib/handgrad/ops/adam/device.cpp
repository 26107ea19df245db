// One step of Adam, one item for each entry: about 14 operations for 7 numbers of memory, in one kernel. Formulas:
// adam.hpp.

#include <cmath>

#include "handgrad/device/run.hpp"
#include "handgrad/ops/adam/adam.hpp"

namespace handgrad {
namespace {

template <class T> struct StepOfAdam {
    VectorView<T> p;
    VectorView<const T> g;
    VectorView<T> m, v;
    T step_size, sqrt_scale, l2, shrink, beta1, rest1, beta2, rest2, eps;
    bool decays, maximize;

    HANDGRAD_HOST_DEVICE void operator()(std::size_t i) const {
        T d = maximize ? -g(i) : g(i);
        if (decays) { d = d + l2 * p(i); }
        const T first = beta1 * m(i) + rest1 * d, second = beta2 * v(i) + rest2 * d * d;
        p(i) = shrink * p(i) - step_size * first / (std::sqrt(second) * sqrt_scale + eps);
        m(i) = first;
        v(i) = second;
    }
};

} // namespace

template <> template <class T> void AdamKernels<OnDevice>::step(VectorView<T> p, VectorView<const T> g, VectorView<T> m,
                                                                VectorView<T> v, const AdamFactors& factors) {
    const auto number = [](double value) { return static_cast<T>(value); };
    device::for_each_item(p.size, 14,
                          StepOfAdam<T>{p, g, m, v, number(factors.step_size), number(factors.sqrt_scale),
                                        number(factors.l2), number(factors.shrink), number(factors.beta1),
                                        number(1 - factors.beta1), number(factors.beta2), number(1 - factors.beta2),
                                        number(factors.eps), factors.l2 != 0, factors.maximize});
}

HANDGRAD_INSTANTIATE_KERNEL(AdamKernels<OnDevice>::step)

} // namespace handgrad
