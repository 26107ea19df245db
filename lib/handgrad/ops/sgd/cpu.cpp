// One step of SGD in SIMD registers. Formulas: sgd.hpp.

#include <algorithm>

#include "handgrad/ops/sgd/sgd.hpp"
#include "handgrad/tensor/entrywise.hpp"

namespace handgrad {

using namespace cpu; // Vec, entrywise, transform

template <> template <class T> void SgdKernels<OnCpu>::step(VectorView<T> p, VectorView<const T> g, VectorView<T> v,
                                                            const SgdOptions& options, bool first) {
    const Vec<T> lr(static_cast<T>(options.lr)), beta(static_cast<T>(options.momentum)),
        undamped(static_cast<T>(1 - options.dampening)), decay(static_cast<T>(options.weight_decay));
    const auto direction = [&](auto pi, auto gi) { // steps 1 and 2 of sgd.hpp
        auto d = options.maximize ? -gi : gi;
        return options.weight_decay != 0 ? d + decay * pi : d;
    };
    if (options.momentum == 0) {
        entrywise(p.data, g.data, p.data, p.size, [&](auto pi, auto gi) { return pi - lr * direction(pi, gi); });
        return;
    }
    const Chunks chunks(p.size, entrywise_grain);
    parallel_for(chunks.count, [&](std::size_t c) {
        const std::size_t begin = chunks.begin(c), n = chunks.length(c);
        T* pc = p.data + begin;
        T* vc = v.data + begin;
        const T* gc = g.data + begin;
        // Blocks of several hundred entries, so that the direction stays in the first-level cache between the two
        // loops.
        constexpr std::size_t block = 512;
        T d[block];
        for (std::size_t i = 0; i < n; i += block) {
            const std::size_t m = std::min(block, n - i);
            transform(pc + i, gc + i, d, m, direction);
            if (first) {
                std::copy_n(d, m, vc + i);
            } else {
                transform(vc + i, d, vc + i, m, [&](auto vi, auto di) { return beta * vi + undamped * di; });
            }
            if (options.nesterov) {
                transform(d, vc + i, d, m, [&](auto di, auto vi) { return di + beta * vi; });
                transform(pc + i, d, pc + i, m, [&](auto pi, auto di) { return pi - lr * di; });
            } else {
                transform(pc + i, vc + i, pc + i, m, [&](auto pi, auto vi) { return pi - lr * vi; });
            }
        }
    });
}

HANDGRAD_INSTANTIATE_KERNEL(SgdKernels<OnCpu>::step)

} // namespace handgrad
