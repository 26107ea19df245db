// The L2 penalty. Formulas: l2_penalty.hpp.

#include "handgrad/ops/l2_penalty/l2_penalty.hpp"
#include "handgrad/tensor/entrywise.hpp"

namespace handgrad {

template <> template <class T> T L2PenaltyKernels<OnCpu>::forward(VectorView<const T> w, double lambda) {
    // Eight independent sums, so that no addition waits for the previous one. Their number is the same on all machines.
    constexpr std::size_t sums = 8;
    T sum[sums] = {};
    std::size_t i = 0;
    for (; i + sums <= w.size; i += sums) {
        for (std::size_t j = 0; j < sums; ++j) { sum[j] += w(i + j) * w(i + j); }
    }
    for (std::size_t j = 0; i < w.size; ++i, ++j) { sum[j] += w(i) * w(i); }
    const T total = ((sum[0] + sum[1]) + (sum[2] + sum[3])) + ((sum[4] + sum[5]) + (sum[6] + sum[7]));
    return static_cast<T>(0.5 * lambda) * total;
}

template <> template <class T>
void L2PenaltyKernels<OnCpu>::backward(VectorView<const T> w, double lambda, VectorView<T> dw, Accumulate mode) {
    using cpu::Vec;
    const Vec<T> factor(static_cast<T>(lambda));
    if (mode == Accumulate::yes) {
        cpu::entrywise(w.data, dw.data, dw.data, w.size, [&](auto v, auto g) { return g + factor * v; });
    } else {
        cpu::entrywise(w.data, dw.data, w.size, [&](auto v) { return factor * v; });
    }
}

HANDGRAD_INSTANTIATE_KERNEL(L2PenaltyKernels<OnCpu>::forward)
HANDGRAD_INSTANTIATE_KERNEL(L2PenaltyKernels<OnCpu>::backward)

} // namespace handgrad
