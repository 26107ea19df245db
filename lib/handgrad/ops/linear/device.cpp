// Matrix products. The plain kernel has one item for each entry of the result, which reads a row of one matrix and a
// column of the other: 2 operations for 2 numbers, so its speed depends on the caches. On a GPU the fast path is
// cuBLAS, which keeps tiles of both matrices in registers and shared memory and reads each number once for a whole
// tile.

#include "handgrad/device/run.hpp"
#include "handgrad/ops/linear/linear.hpp"
#if defined(HANDGRAD_THRUST_CUDA)
#include "handgrad/device/cublas.hpp"
#endif

namespace handgrad {

using namespace device; // tabulate, cuBLAS

namespace {

/// y[n, k] = b[k] + sum over d of x[n, d] w[d, k].
template <class T> struct Forward {
    MatrixView<const T> x, w;
    VectorView<const T> b;
    HANDGRAD_HOST_DEVICE T operator()(std::size_t item) const {
        const std::size_t n = item / w.columns, k = item % w.columns;
        T sum = b(k);
        for (std::size_t d = 0; d < x.columns; ++d) { sum += x(n, d) * w(d, k); }
        return sum;
    }
};

/// dx[n, d] = sum over k of dy[n, k] w[d, k].
template <class T> struct BackwardInput {
    MatrixView<const T> dy, w;
    HANDGRAD_HOST_DEVICE T operator()(std::size_t item) const {
        const std::size_t n = item / w.rows, d = item % w.rows;
        T sum(0);
        for (std::size_t k = 0; k < dy.columns; ++k) { sum += dy(n, k) * w(d, k); }
        return sum;
    }
};

/// dw[d, k] (+)= sum over n of x[n, d] dy[n, k].
template <class T> struct BackwardWeight {
    MatrixView<const T> x, dy;
    const T* before; ///< the numbers to add to, or null
    HANDGRAD_HOST_DEVICE T operator()(std::size_t item) const {
        const std::size_t d = item / dy.columns, k = item % dy.columns;
        T sum(0);
        for (std::size_t n = 0; n < x.rows; ++n) { sum += x(n, d) * dy(n, k); }
        return before ? before[item] + sum : sum;
    }
};

/// db[k] (+)= sum over n of dy[n, k].
template <class T> struct BackwardBias {
    MatrixView<const T> dy;
    const T* before; ///< the numbers to add to, or null
    HANDGRAD_HOST_DEVICE T operator()(std::size_t k) const {
        T sum(0);
        for (std::size_t n = 0; n < dy.rows; ++n) { sum += dy(n, k); }
        return before ? before[k] + sum : sum;
    }
};

#if defined(HANDGRAD_THRUST_CUDA)
/// Copies b into each row of y.
template <class T> struct RowsOf {
    VectorView<const T> b;
    HANDGRAD_HOST_DEVICE T operator()(std::size_t item) const { return b(item % b.size); }
};
#endif

} // namespace

template <> template <class T> void LinearKernels<OnDevice>::forward(MatrixView<const T> x, MatrixView<const T> w,
                                                                     VectorView<const T> b, MatrixView<T> y) {
#if defined(HANDGRAD_THRUST_CUDA)
    if (!is_plain()) {
        tabulate(y.data, y.rows * y.columns, 1, RowsOf<T>{b});
        return row_major_gemm(false, false, y.rows, y.columns, x.columns, x.data, w.data, T(1), y.data);
    }
#endif
    tabulate(y.data, y.rows * y.columns, 2 * x.columns, Forward<T>{x, w, b});
}

template <> template <class T>
void LinearKernels<OnDevice>::backward_input(MatrixView<const T> dy, MatrixView<const T> w, MatrixView<T> dx) {
#if defined(HANDGRAD_THRUST_CUDA)
    if (!is_plain()) {
        return row_major_gemm(false, true, dx.rows, dx.columns, dy.columns, dy.data, w.data, T(0), dx.data);
    }
#endif
    tabulate(dx.data, dx.rows * dx.columns, 2 * dy.columns, BackwardInput<T>{dy, w});
}

template <> template <class T> void LinearKernels<OnDevice>::backward_weight(MatrixView<const T> x,
                                                                             MatrixView<const T> dy, MatrixView<T> dw,
                                                                             Accumulate mode) {
    const bool add = mode == Accumulate::yes;
#if defined(HANDGRAD_THRUST_CUDA)
    if (!is_plain()) {
        return row_major_gemm(true, false, dw.rows, dw.columns, x.rows, x.data, dy.data, T(add ? 1 : 0), dw.data);
    }
#endif
    tabulate(dw.data, dw.rows * dw.columns, 2 * x.rows, BackwardWeight<T>{x, dy, add ? dw.data : nullptr});
}

template <> template <class T>
void LinearKernels<OnDevice>::backward_bias(MatrixView<const T> dy, VectorView<T> db, Accumulate mode) {
    tabulate(db.data, db.size, dy.rows, BackwardBias<T>{dy, mode == Accumulate::yes ? db.data : nullptr});
}

HANDGRAD_INSTANTIATE_KERNEL(LinearKernels<OnDevice>::forward)
HANDGRAD_INSTANTIATE_KERNEL(LinearKernels<OnDevice>::backward_input)
HANDGRAD_INSTANTIATE_KERNEL(LinearKernels<OnDevice>::backward_weight)
HANDGRAD_INSTANTIATE_KERNEL(LinearKernels<OnDevice>::backward_bias)

} // namespace handgrad
