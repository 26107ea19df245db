#pragma once
// Layer normalisation, in plain loops. Formulas and shapes: layer_norm.hpp.

#include <cmath>

#include "handgrad/ops/layer_norm/layer_norm.hpp"

namespace handgrad {

template <> template <class T>
void LayerNormKernels<OnReference>::forward(MatrixView<const T> x, VectorView<const T> w, VectorView<const T> b,
                                            double eps, MatrixView<T> y, VectorView<T> mean, VectorView<T> rstd) {
    using std::sqrt;
    const T D(static_cast<double>(x.columns));
    for (std::size_t n = 0; n < x.rows; ++n) {
        T mu(0), variance(0);
        for (std::size_t d = 0; d < x.columns; ++d) { mu += x(n, d); }
        mu /= D;
        for (std::size_t d = 0; d < x.columns; ++d) { variance += (x(n, d) - mu) * (x(n, d) - mu); }
        variance /= D;
        const T r = T(1) / sqrt(variance + T(eps));
        for (std::size_t d = 0; d < x.columns; ++d) { y(n, d) = (x(n, d) - mu) * r * w(d) + b(d); }
        mean(n) = mu;
        rstd(n) = r;
    }
}

template <> template <class T>
void LayerNormKernels<OnReference>::backward_input(MatrixView<const T> x, VectorView<const T> w,
                                                   VectorView<const T> mean, VectorView<const T> rstd,
                                                   MatrixView<const T> dy, MatrixView<T> dx) {
    const T D(static_cast<double>(x.columns));
    for (std::size_t n = 0; n < x.rows; ++n) {
        T g_mean(0), gx_mean(0); // means of g, and of g times x_hat
        for (std::size_t d = 0; d < x.columns; ++d) {
            const T x_hat = (x(n, d) - mean(n)) * rstd(n);
            g_mean += dy(n, d) * w(d);
            gx_mean += dy(n, d) * w(d) * x_hat;
        }
        g_mean /= D;
        gx_mean /= D;
        for (std::size_t d = 0; d < x.columns; ++d) {
            const T x_hat = (x(n, d) - mean(n)) * rstd(n);
            dx(n, d) = rstd(n) * (dy(n, d) * w(d) - g_mean - x_hat * gx_mean);
        }
    }
}

template <> template <class T>
void LayerNormKernels<OnReference>::backward_parameters(MatrixView<const T> x, VectorView<const T> mean,
                                                        VectorView<const T> rstd, MatrixView<const T> dy,
                                                        VectorView<T> dw, VectorView<T> db, Accumulate mode) {
    for (std::size_t d = 0; d < x.columns; ++d) {
        T dw_sum(0), db_sum(0);
        for (std::size_t n = 0; n < x.rows; ++n) {
            dw_sum += dy(n, d) * (x(n, d) - mean(n)) * rstd(n);
            db_sum += dy(n, d);
        }
        dw(d) = mode == Accumulate::yes ? dw(d) + dw_sum : dw_sum;
        db(d) = mode == Accumulate::yes ? db(d) + db_sum : db_sum;
    }
}

HANDGRAD_REFERENCE_KERNEL(LayerNormKernels<OnReference>::forward)
HANDGRAD_REFERENCE_KERNEL(LayerNormKernels<OnReference>::backward_input)
HANDGRAD_REFERENCE_KERNEL(LayerNormKernels<OnReference>::backward_parameters)

} // namespace handgrad
