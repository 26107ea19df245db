// Layer normalisation. Forward and the gradient of the input have one item for each row, which reads the row three
// times, mostly from the caches. The gradients of the parameters have one item for each feature. No two items write to
// the same number: no atomics, and the same bits on any number of threads. Each entry takes about 8 operations for 2 or
// 3 numbers of memory. Formulas: layer_norm.hpp.

#include <cmath>

#include "handgrad/device/run.hpp"
#include "handgrad/ops/layer_norm/layer_norm.hpp"

namespace handgrad {
namespace {

template <class T> struct Forward {
    MatrixView<const T> x;
    VectorView<const T> w, b;
    T eps;
    MatrixView<T> y;
    VectorView<T> mean, rstd;
    HANDGRAD_HOST_DEVICE void operator()(std::size_t n) const {
        const T D = static_cast<T>(x.columns);
        T mu(0), variance(0);
        for (std::size_t d = 0; d < x.columns; ++d) { mu += x(n, d); }
        mu /= D;
        for (std::size_t d = 0; d < x.columns; ++d) { variance += (x(n, d) - mu) * (x(n, d) - mu); }
        const T r = T(1) / std::sqrt(variance / D + eps);
        for (std::size_t d = 0; d < x.columns; ++d) { y(n, d) = (x(n, d) - mu) * r * w(d) + b(d); }
        mean(n) = mu;
        rstd(n) = r;
    }
};

template <class T> struct BackwardInput {
    MatrixView<const T> x;
    VectorView<const T> w, mean, rstd;
    MatrixView<const T> dy;
    MatrixView<T> dx;
    HANDGRAD_HOST_DEVICE T normalised(std::size_t n, std::size_t d) const { return (x(n, d) - mean(n)) * rstd(n); }
    HANDGRAD_HOST_DEVICE void operator()(std::size_t n) const {
        T g_mean(0), gx_mean(0); // means of g, and of g times x_hat
        for (std::size_t d = 0; d < x.columns; ++d) {
            const T g = dy(n, d) * w(d);
            g_mean += g;
            gx_mean += g * normalised(n, d);
        }
        g_mean /= static_cast<T>(x.columns);
        gx_mean /= static_cast<T>(x.columns);
        for (std::size_t d = 0; d < x.columns; ++d) {
            dx(n, d) = rstd(n) * (dy(n, d) * w(d) - g_mean - normalised(n, d) * gx_mean);
        }
    }
};

template <class T> struct BackwardParameters {
    MatrixView<const T> x;
    VectorView<const T> mean, rstd;
    MatrixView<const T> dy;
    VectorView<T> dw, db;
    bool add;
    HANDGRAD_HOST_DEVICE void operator()(std::size_t d) const {
        T dw_sum(0), db_sum(0);
        for (std::size_t n = 0; n < x.rows; ++n) {
            dw_sum += dy(n, d) * ((x(n, d) - mean(n)) * rstd(n));
            db_sum += dy(n, d);
        }
        dw(d) = add ? dw(d) + dw_sum : dw_sum;
        db(d) = add ? db(d) + db_sum : db_sum;
    }
};

} // namespace

template <> template <class T>
void LayerNormKernels<OnDevice>::forward(MatrixView<const T> x, VectorView<const T> w, VectorView<const T> b,
                                         double eps, MatrixView<T> y, VectorView<T> mean, VectorView<T> rstd) {
    device::for_each_item(x.rows, 8 * x.columns, Forward<T>{x, w, b, static_cast<T>(eps), y, mean, rstd});
}

template <> template <class T>
void LayerNormKernels<OnDevice>::backward_input(MatrixView<const T> x, VectorView<const T> w, VectorView<const T> mean,
                                                VectorView<const T> rstd, MatrixView<const T> dy, MatrixView<T> dx) {
    device::for_each_item(x.rows, 12 * x.columns, BackwardInput<T>{x, w, mean, rstd, dy, dx});
}

template <> template <class T>
void LayerNormKernels<OnDevice>::backward_parameters(MatrixView<const T> x, VectorView<const T> mean,
                                                     VectorView<const T> rstd, MatrixView<const T> dy, VectorView<T> dw,
                                                     VectorView<T> db, Accumulate mode) {
    device::for_each_item(x.columns, 5 * x.rows,
                          BackwardParameters<T>{x, mean, rstd, dy, dw, db, mode == Accumulate::yes});
}

HANDGRAD_INSTANTIATE_KERNEL(LayerNormKernels<OnDevice>::forward)
HANDGRAD_INSTANTIATE_KERNEL(LayerNormKernels<OnDevice>::backward_input)
HANDGRAD_INSTANTIATE_KERNEL(LayerNormKernels<OnDevice>::backward_parameters)

} // namespace handgrad
