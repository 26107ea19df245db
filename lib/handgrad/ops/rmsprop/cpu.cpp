// One step of RMSprop in SIMD registers: one pass reads and writes each number once. Formulas: rmsprop.hpp.

#include "handgrad/ops/rmsprop/rmsprop.hpp"
#include "handgrad/tensor/entrywise.hpp"

namespace handgrad {

template <> template <class T> void RMSpropKernels<OnCpu>::step(VectorView<T> p, VectorView<const T> g,
                                                                VectorView<T> square, VectorView<T> average,
                                                                VectorView<T> velocity, const RMSpropOptions& options) {
    using Register = cpu::Vec<T>;
    const auto all = [](double value) { return Register(static_cast<T>(value)); };
    const Register lr = all(options.lr), alpha = all(options.alpha), rest = all(1 - options.alpha),
                   eps = all(options.eps), decay = all(options.weight_decay), beta = all(options.momentum);
    const bool maximize = options.maximize, decays = options.weight_decay != 0;
    const auto gradient = [&](Register gi, const Register& pi) { // step 1 of rmsprop.hpp
        if (maximize) { gi = -gi; }
        return decays ? gi + decay * pi : gi;
    };
    const auto mean_square = [&](const Register& d, Register& v) { return v = alpha * v + rest * d * d; };
    const auto variance = [&](const Register& d, Register& v, Register& a) {
        a = alpha * a + rest * d;
        return mean_square(d, v) - a * a;
    };
    const auto scaled = [&](const Register& d, const Register& square_of_scale) {
        return d / (xsimd::sqrt(square_of_scale) + eps);
    };
    const auto with_momentum = [&](Register& u, const Register& step) { return u = beta * u + step; };

    const auto update = [&](const auto& f, auto... states) { cpu::update(g.data, p.size, f, p.data, states...); };
    if (options.centered && options.momentum != 0) {
        const auto f = [&](const Register& gi, Register& pi, Register& v, Register& a, Register& u) {
            const Register d = gradient(gi, pi);
            pi = pi - lr * with_momentum(u, scaled(d, variance(d, v, a)));
        };
        update(f, square.data, average.data, velocity.data);
    } else if (options.centered) {
        const auto f = [&](const Register& gi, Register& pi, Register& v, Register& a) {
            const Register d = gradient(gi, pi);
            pi = pi - lr * scaled(d, variance(d, v, a));
        };
        update(f, square.data, average.data);
    } else if (options.momentum != 0) {
        const auto f = [&](const Register& gi, Register& pi, Register& v, Register& u) {
            const Register d = gradient(gi, pi);
            pi = pi - lr * with_momentum(u, scaled(d, mean_square(d, v)));
        };
        update(f, square.data, velocity.data);
    } else {
        const auto f = [&](const Register& gi, Register& pi, Register& v) {
            const Register d = gradient(gi, pi);
            pi = pi - lr * scaled(d, mean_square(d, v));
        };
        update(f, square.data);
    }
}

HANDGRAD_INSTANTIATE_KERNEL(RMSpropKernels<OnCpu>::step)

} // namespace handgrad
