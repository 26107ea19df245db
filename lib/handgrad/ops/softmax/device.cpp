// softmax, one item a row: some 25 operations for 2 numbers of memory an entry. Rows are short (ten classes), so there
// are more rows than a row has entries, and one thread a row is parallel enough.

#include "handgrad/device/kernels.hpp"
#include "handgrad/device/run.hpp"
#include "handgrad/ops/softmax/device_row.hpp"

namespace handgrad::device::kernels {
namespace {

template <class T> struct Forward {
    const T* z;
    T* p;
    std::size_t k;
    HANDGRAD_HOST_DEVICE void operator()(int n) const { SoftmaxRow<T>(z + n * k, p + n * k, k); }
};

template <class T> struct Backward {
    const T *p, *dp;
    T* dz;
    std::size_t k;
    HANDGRAD_HOST_DEVICE void operator()(int n) const {
        const std::size_t row = n * k;
        T mean(0); // of dp, weighted with p
        for (std::size_t j = row; j < row + k; ++j) { mean += dp[j] * p[j]; }
        for (std::size_t j = row; j < row + k; ++j) { dz[j] = p[j] * (dp[j] - mean); }
    }
};

} // namespace

template <class T> void softmax_forward(const T* z, T* p, std::size_t n, std::size_t k) {
    for_each_item(n, 25 * k, Forward<T>{z, p, k});
}

template <class T> void softmax_backward(const T* p, const T* dp, T* dz, std::size_t n, std::size_t k) {
    for_each_item(n, 4 * k, Backward<T>{p, dp, dz, k});
}

#define HANDGRAD_INSTANTIATE(T)                                                                                        \
    template void softmax_forward(const T*, T*, std::size_t, std::size_t);                                             \
    template void softmax_backward(const T*, const T*, T*, std::size_t, std::size_t);
HANDGRAD_INSTANTIATE(float)
HANDGRAD_INSTANTIATE(double)

} // namespace handgrad::device::kernels
