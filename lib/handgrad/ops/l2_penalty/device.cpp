// The L2 penalty. Forward is a reduction: one item a block of 256 entries, and the few sums that are left go to the host,
// which wants the number anyway. thrust::reduce would be shorter, but on several threads it cuts by their number, and so
// do the last bits. 2 operations a number read. Backward is a transform: 2 operations for 2 or 3 numbers of memory.

#include "handgrad/device/kernels.hpp"
#include "handgrad/device/run.hpp"

namespace handgrad::device::kernels {
namespace {

template <class T> struct SumOfSquares {
    const T* w;
    std::size_t n;
    HANDGRAD_HOST_DEVICE T operator()(std::size_t block) const {
        const std::size_t begin = block * l2_block, end = begin + l2_block < n ? begin + l2_block : n;
        T sum(0);
        for (std::size_t i = begin; i < end; ++i) { sum += w[i] * w[i]; }
        return sum;
    }
};

template <class T> struct Scale {
    T lambda;
    HANDGRAD_HOST_DEVICE T operator()(T w) const { return lambda * w; }
};

template <class T> struct AddScaled {
    T lambda;
    HANDGRAD_HOST_DEVICE T operator()(T w, T dw) const { return dw + lambda * w; }
};

} // namespace

template <class T> void l2_penalty_parts(const T* w, std::size_t n, T* parts) {
    tabulate(parts, (n + l2_block - 1) / l2_block, 2 * l2_block, SumOfSquares<T>{w, n});
}

template <class T> void l2_penalty_backward(const T* w, std::size_t n, T lambda, T* dw, bool add) {
    run(2 * n, [&](const auto& policy) {
        if (add) {
            thrust::transform(policy, w, w + n, dw, dw, AddScaled<T>{lambda});
        } else {
            thrust::transform(policy, w, w + n, dw, Scale<T>{lambda});
        }
    });
}

#define HANDGRAD_INSTANTIATE(T)                                                                                        \
    template void l2_penalty_parts(const T*, std::size_t, T*);                                                         \
    template void l2_penalty_backward(const T*, std::size_t, T, T*, bool);
HANDGRAD_INSTANTIATE(float)
HANDGRAD_INSTANTIATE(double)

} // namespace handgrad::device::kernels
