#include "handgrad/ops/l2_penalty/cpu.hpp"

#include "handgrad/tensor/entrywise.hpp"

namespace handgrad::cpu {

template <class T> T l2_penalty_forward(const Tensor<T>& w, double lambda) {
    // Eight running sums, so that the additions do not wait for each other; always the same ones.
    constexpr std::size_t sums = 8;
    T sum[sums] = {};
    std::size_t i = 0;
    for (; i + sums <= w.size(); i += sums) {
        for (std::size_t j = 0; j < sums; ++j) { sum[j] += w.data()[i + j] * w.data()[i + j]; }
    }
    for (std::size_t j = 0; i < w.size(); ++i, ++j) { sum[j] += w.data()[i] * w.data()[i]; }
    const T total = ((sum[0] + sum[1]) + (sum[2] + sum[3])) + ((sum[4] + sum[5]) + (sum[6] + sum[7]));
    return static_cast<T>(0.5 * lambda) * total;
}

template <class T> void l2_penalty_backward(const Tensor<T>& w, double lambda, Tensor<T>& dw, Accumulate mode) {
    prepare_gradient("l2_penalty_backward", "dw", dw, w.shape(), mode);
    const Vec<T> factor(static_cast<T>(lambda));
    if (mode == Accumulate::yes) {
        entrywise(w.data(), dw.data(), dw.data(), w.size(), [&](auto v, auto g) { return g + factor * v; });
    } else {
        entrywise(w.data(), dw.data(), w.size(), [&](auto v) { return factor * v; });
    }
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

} // namespace handgrad::cpu
