// Matrix products. The plain kernel has one item an entry of the result, which reads a row of one matrix and a column of
// the other: 2 operations for 2 numbers read, so it lives off the caches. On a GPU the fast path is cuBLAS, which keeps
// tiles of both matrices in registers and shared memory and reads each number once for a whole tile.

#include "handgrad/device/kernels.hpp"
#include "handgrad/device/run.hpp"
#if defined(HANDGRAD_THRUST_CUDA)
#include "handgrad/device/cublas.hpp"
#endif

namespace handgrad::device::kernels {
namespace {

/// y[n, k] = b[k] + sum over d of x[n, d] w[d, k].
template <class T> struct Forward {
    const T *x, *w, *b;
    std::size_t in, out;
    HANDGRAD_HOST_DEVICE T operator()(std::size_t item) const {
        const std::size_t n = item / out, k = item % out;
        T sum = b[k];
        for (std::size_t d = 0; d < in; ++d) { sum += x[n * in + d] * w[d * out + k]; }
        return sum;
    }
};

/// dx[n, d] = sum over k of dy[n, k] w[d, k].
template <class T> struct BackwardInput {
    const T *dy, *w;
    std::size_t in, out;
    HANDGRAD_HOST_DEVICE T operator()(std::size_t item) const {
        const std::size_t n = item / in, d = item % in;
        T sum(0);
        for (std::size_t k = 0; k < out; ++k) { sum += dy[n * out + k] * w[d * out + k]; }
        return sum;
    }
};

/// dw[d, k] (+)= sum over n of x[n, d] dy[n, k].
template <class T> struct BackwardWeight {
    const T *x, *dy, *before; ///< before: what to add to, or null
    std::size_t n, in, out;
    HANDGRAD_HOST_DEVICE T operator()(std::size_t item) const {
        const std::size_t d = item / out, k = item % out;
        T sum(0);
        for (std::size_t i = 0; i < n; ++i) { sum += x[i * in + d] * dy[i * out + k]; }
        return before ? before[item] + sum : sum;
    }
};

/// db[k] (+)= sum over n of dy[n, k].
template <class T> struct BackwardBias {
    const T *dy, *before;
    std::size_t n, out;
    HANDGRAD_HOST_DEVICE T operator()(std::size_t k) const {
        T sum(0);
        for (std::size_t i = 0; i < n; ++i) { sum += dy[i * out + k]; }
        return before ? before[k] + sum : sum;
    }
};

/// Each row of y becomes b.
template <class T> struct RowsOf {
    const T* b;
    std::size_t out;
    HANDGRAD_HOST_DEVICE T operator()(std::size_t item) const { return b[item % out]; }
};

} // namespace

template <class T> void linear_forward(const T* x, const T* w, const T* b, T* y, std::size_t n, std::size_t in,
                                       std::size_t out, bool plain) {
#if defined(HANDGRAD_THRUST_CUDA)
    if (!plain) {
        tabulate(y, n * out, 1, RowsOf<T>{b, out});
        return row_major_gemm(false, false, n, out, in, x, w, T(1), y);
    }
#endif
    static_cast<void>(plain);
    tabulate(y, n * out, 2 * in, Forward<T>{x, w, b, in, out});
}

template <class T>
void linear_backward_input(const T* dy, const T* w, T* dx, std::size_t n, std::size_t in, std::size_t out, bool plain) {
#if defined(HANDGRAD_THRUST_CUDA)
    if (!plain) { return row_major_gemm(false, true, n, in, out, dy, w, T(0), dx); }
#endif
    static_cast<void>(plain);
    tabulate(dx, n * in, 2 * out, BackwardInput<T>{dy, w, in, out});
}

template <class T> void linear_backward_weight(const T* x, const T* dy, T* dw, std::size_t n, std::size_t in,
                                               std::size_t out, bool add, bool plain) {
#if defined(HANDGRAD_THRUST_CUDA)
    if (!plain) { return row_major_gemm(true, false, in, out, n, x, dy, T(add ? 1 : 0), dw); }
#endif
    static_cast<void>(plain);
    const T* before = add ? dw : nullptr;
    tabulate(dw, in * out, 2 * n, BackwardWeight<T>{x, dy, before, n, in, out});
}

template <class T> void linear_backward_bias(const T* dy, T* db, std::size_t n, std::size_t out, bool add) {
    const T* before = add ? db : nullptr;
    tabulate(db, out, n, BackwardBias<T>{dy, before, n, out});
}

#define HANDGRAD_INSTANTIATE(T)                                                                                        \
    template void linear_forward(const T*, const T*, const T*, T*, std::size_t, std::size_t, std::size_t, bool);       \
    template void linear_backward_input(const T*, const T*, T*, std::size_t, std::size_t, std::size_t, bool);          \
    template void linear_backward_weight(const T*, const T*, T*, std::size_t, std::size_t, std::size_t, bool, bool);   \
    template void linear_backward_bias(const T*, T*, std::size_t, std::size_t, bool);
HANDGRAD_INSTANTIATE(float)
HANDGRAD_INSTANTIATE(double)

} // namespace handgrad::device::kernels
