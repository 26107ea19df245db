#pragma once
// Batch normalisation, in plain loops. Formulas and shapes: batch_norm.hpp.

#include <cmath>

#include "handgrad/ops/batch_norm/batch_norm.hpp"

namespace handgrad {
namespace reference {

/// The sum of f(n, s) over all numbers of a channel, where x has N images with S numbers a channel.
template <class T, class F> T sum_over_channel(const ImagesView<const T>& x, const F& f) {
    T sum(0);
    for (std::size_t n = 0; n < x.n; ++n) {
        for (std::size_t s = 0; s < x.h; ++s) { sum += f(n, s); }
    }
    return sum;
}

} // namespace reference

template <> template <class T> void BatchNormKernels<OnReference>::forward(ImagesView<const T> x, VectorView<const T> w,
                                                                           VectorView<const T> b, double eps,
                                                                           ImagesView<T> y, VectorView<T> mean,
                                                                           VectorView<T> var, VectorView<T> rstd) {
    using std::sqrt;
    const T m(static_cast<double>(x.n * x.h));
    for (std::size_t c = 0; c < x.c; ++c) {
        const T mu = reference::sum_over_channel<T>(x, [&](std::size_t n, std::size_t s) { return x(n, c, s, 0); }) / m;
        const T squares = reference::sum_over_channel<T>(
            x, [&](std::size_t n, std::size_t s) { return (x(n, c, s, 0) - mu) * (x(n, c, s, 0) - mu); });
        const T r = T(1) / sqrt(squares / m + T(eps));
        for (std::size_t n = 0; n < x.n; ++n) {
            for (std::size_t s = 0; s < x.h; ++s) { y(n, c, s, 0) = (x(n, c, s, 0) - mu) * r * w(c) + b(c); }
        }
        mean(c) = mu;
        var(c) = squares / m;
        rstd(c) = r;
    }
}

template <> template <class T>
void BatchNormKernels<OnReference>::eval_forward(ImagesView<const T> x, VectorView<const T> w, VectorView<const T> b,
                                                 VectorView<const T> mean, VectorView<const T> var, double eps,
                                                 ImagesView<T> y, VectorView<T> rstd) {
    using std::sqrt;
    for (std::size_t c = 0; c < x.c; ++c) {
        rstd(c) = T(1) / sqrt(var(c) + T(eps));
        for (std::size_t n = 0; n < x.n; ++n) {
            for (std::size_t s = 0; s < x.h; ++s) { y(n, c, s, 0) = (x(n, c, s, 0) - mean(c)) * rstd(c) * w(c) + b(c); }
        }
    }
}

template <> template <class T>
void BatchNormKernels<OnReference>::backward_parameters(ImagesView<const T> x, VectorView<const T> mean,
                                                        VectorView<const T> rstd, ImagesView<const T> dy,
                                                        VectorView<T> dw, VectorView<T> db, VectorView<T> dy_mean,
                                                        VectorView<T> dyx_mean, Accumulate mode) {
    const bool add = mode == Accumulate::yes;
    const T m(static_cast<double>(x.n * x.h > 0 ? x.n * x.h : 1)); // of no numbers the sums are 0, and so are the means
    for (std::size_t c = 0; c < x.c; ++c) {
        const T db_sum =
            reference::sum_over_channel<T>(x, [&](std::size_t n, std::size_t s) { return dy(n, c, s, 0); });
        const T dw_sum = reference::sum_over_channel<T>(x, [&](std::size_t n, std::size_t s) {
            const T x_hat = (x(n, c, s, 0) - mean(c)) * rstd(c);
            return dy(n, c, s, 0) * x_hat;
        });
        dw(c) = add ? dw(c) + dw_sum : dw_sum;
        db(c) = add ? db(c) + db_sum : db_sum;
        dy_mean(c) = db_sum / m;
        dyx_mean(c) = dw_sum / m;
    }
}

template <> template <class T>
void BatchNormKernels<OnReference>::backward_input(ImagesView<const T> x, VectorView<const T> w,
                                                   VectorView<const T> mean, VectorView<const T> rstd,
                                                   VectorView<const T> dy_mean, VectorView<const T> dyx_mean,
                                                   ImagesView<const T> dy, ImagesView<T> dx) {
    for (std::size_t n = 0; n < x.n; ++n) {
        for (std::size_t c = 0; c < x.c; ++c) {
            for (std::size_t s = 0; s < x.h; ++s) {
                const T x_hat = (x(n, c, s, 0) - mean(c)) * rstd(c);
                dx(n, c, s, 0) = w(c) * rstd(c) * (dy(n, c, s, 0) - dy_mean(c) - x_hat * dyx_mean(c));
            }
        }
    }
}

template <> template <class T>
void BatchNormKernels<OnReference>::eval_backward_input(VectorView<const T> w, VectorView<const T> rstd,
                                                        ImagesView<const T> dy, ImagesView<T> dx) {
    for (std::size_t n = 0; n < dy.n; ++n) {
        for (std::size_t c = 0; c < dy.c; ++c) {
            for (std::size_t s = 0; s < dy.h; ++s) { dx(n, c, s, 0) = w(c) * rstd(c) * dy(n, c, s, 0); }
        }
    }
}

template <> template <class T>
void BatchNormKernels<OnReference>::update(VectorView<const T> mean, VectorView<const T> var, std::size_t m,
                                           double momentum, VectorView<T> running_mean, VectorView<T> running_var,
                                           VectorView<T> batches) {
    const T unbiased(static_cast<double>(m) / static_cast<double>(m - 1));
    for (std::size_t c = 0; c < mean.size; ++c) {
        running_mean(c) = T(1 - momentum) * running_mean(c) + T(momentum) * mean(c);
        running_var(c) = T(1 - momentum) * running_var(c) + T(momentum) * var(c) * unbiased;
    }
    batches(0) += T(1);
}

HANDGRAD_REFERENCE_KERNEL(BatchNormKernels<OnReference>::forward)
HANDGRAD_REFERENCE_KERNEL(BatchNormKernels<OnReference>::eval_forward)
HANDGRAD_REFERENCE_KERNEL(BatchNormKernels<OnReference>::backward_parameters)
HANDGRAD_REFERENCE_KERNEL(BatchNormKernels<OnReference>::backward_input)
HANDGRAD_REFERENCE_KERNEL(BatchNormKernels<OnReference>::eval_backward_input)
HANDGRAD_REFERENCE_KERNEL(BatchNormKernels<OnReference>::update)

} // namespace handgrad
