// One step of Adam in SIMD registers: one pass reads and writes each number once. Formulas: adam.hpp.

#include "handgrad/ops/adam/adam.hpp"
#include "handgrad/tensor/entrywise.hpp"

namespace handgrad {

template <> template <class T> void AdamKernels<OnCpu>::step(VectorView<T> p, VectorView<const T> g, VectorView<T> m,
                                                             VectorView<T> v, const AdamFactors& factors) {
    using Register = cpu::Vec<T>;
    const auto all = [](double value) { return Register(static_cast<T>(value)); };
    const Register step_size = all(factors.step_size), sqrt_scale = all(factors.sqrt_scale), l2 = all(factors.l2),
                   shrink = all(factors.shrink), eps = all(factors.eps), beta1 = all(factors.beta1),
                   beta2 = all(factors.beta2), rest1 = all(1 - factors.beta1), rest2 = all(1 - factors.beta2);
    const bool maximize = factors.maximize, decays = factors.l2 != 0;
    cpu::update(
        g.data, p.size,
        [&](Register gi, Register& pi, Register& mi, Register& vi) {
            if (maximize) { gi = -gi; }
            if (decays) { gi = gi + l2 * pi; }
            mi = beta1 * mi + rest1 * gi;
            vi = beta2 * vi + rest2 * gi * gi;
            pi = shrink * pi - step_size * mi / (xsimd::sqrt(vi) * sqrt_scale + eps);
        },
        p.data, m.data, v.data);
}

HANDGRAD_INSTANTIATE_KERNEL(AdamKernels<OnCpu>::step)

} // namespace handgrad
