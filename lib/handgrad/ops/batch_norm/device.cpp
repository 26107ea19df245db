// Batch normalisation. A sum over a channel has two steps: one item for each channel and each part of the batch, which
// sums in order; then one item for each channel, which adds the parts in order. No atomics, and the same bits on any
// number of threads. The kernels that write a number for each entry have one item for each entry. Each entry takes 2 to
// 8 operations for 2 or 3 numbers of memory; memory limits the speed. Formulas: batch_norm.hpp.

#include <cmath>

#include "handgrad/device/memory.hpp"
#include "handgrad/device/run.hpp"
#include "handgrad/ops/batch_norm/batch_norm.hpp"

namespace handgrad {
namespace {

/// A part of the sums over each channel: item (part, c) sums f(n, c, s) over the part's images. Two sums at once.
template <class T, class F> struct PartOfSums {
    device::BatchParts parts;
    std::size_t channels, size;
    F f;
    T *first, *second; // (parts, C)
    HANDGRAD_HOST_DEVICE void operator()(std::size_t item) const {
        const std::size_t c = item % channels;
        const int part = static_cast<int>(item / channels);
        T one(0), two(0);
        for (int n = parts.begin(part); n < parts.end(part); ++n) {
            for (std::size_t s = 0; s < size; ++s) { f(static_cast<std::size_t>(n), c, s, one, two); }
        }
        first[item] = one;
        second[item] = two;
    }
};

/// Item c adds the parts of channel c in order, and calls result(c, sum, sum).
template <class T, class F> struct SumOfParts {
    int parts;
    std::size_t channels;
    const T *first, *second;
    F result;
    HANDGRAD_HOST_DEVICE void operator()(std::size_t c) const {
        T one(0), two(0);
        for (int part = 0; part < parts; ++part) {
            one += first[static_cast<std::size_t>(part) * channels + c];
            two += second[static_cast<std::size_t>(part) * channels + c];
        }
        result(c, one, two);
    }
};

/// Sums over the channels of x: f(n, c, s, one, two) adds to two sums, result(c, one, two) takes them.
template <class T, class F, class Result>
void sum_over_channels(const ImagesView<const T>& x, const F& f, const Result& result) {
    const device::BatchParts parts(x.n);
    const std::size_t size = static_cast<std::size_t>(parts.count) * x.c;
    T* first = device::scratch<T>(2 * size);
    T* second = first + size;
    device::for_each_item(size, static_cast<std::size_t>(parts.each) * x.h * 4,
                          PartOfSums<T, F>{parts, x.c, x.h, f, first, second});
    device::for_each_item(x.c, static_cast<std::size_t>(parts.count) * 2,
                          SumOfParts<T, Result>{parts.count, x.c, first, second, result});
}

template <class T> struct Entry {
    ImagesView<const T> x;
    HANDGRAD_HOST_DEVICE void operator()(std::size_t n, std::size_t c, std::size_t s, T& sum, T&) const {
        sum += x(n, c, s, 0);
    }
};
template <class T> struct Mean {
    T m;
    VectorView<T> mean;
    HANDGRAD_HOST_DEVICE void operator()(std::size_t c, T sum, T) const { mean(c) = sum / m; }
};

template <class T> struct SquaredDifference {
    ImagesView<const T> x;
    VectorView<const T> mean;
    HANDGRAD_HOST_DEVICE void operator()(std::size_t n, std::size_t c, std::size_t s, T& sum, T&) const {
        const T difference = x(n, c, s, 0) - mean(c);
        sum += difference * difference;
    }
};
template <class T> struct Variance {
    T m, eps;
    VectorView<T> var, rstd;
    HANDGRAD_HOST_DEVICE void operator()(std::size_t c, T sum, T) const {
        var(c) = sum / m;
        rstd(c) = T(1) / std::sqrt(var(c) + eps);
    }
};

template <class T> struct Rstd {
    VectorView<const T> var;
    T eps;
    HANDGRAD_HOST_DEVICE T operator()(std::size_t c) const { return T(1) / std::sqrt(var(c) + eps); }
};

template <class T> struct Normalised {
    ImagesView<const T> x;
    VectorView<const T> w, b, mean, rstd;
    HANDGRAD_HOST_DEVICE T operator()(std::size_t i) const {
        const std::size_t c = i / x.h % x.c;
        return (x.data[i] - mean(c)) * rstd(c) * w(c) + b(c);
    }
};

template <class T> struct Gradients {
    ImagesView<const T> x;
    VectorView<const T> mean, rstd;
    ImagesView<const T> dy;
    HANDGRAD_HOST_DEVICE void operator()(std::size_t n, std::size_t c, std::size_t s, T& db, T& dw) const {
        db += dy(n, c, s, 0);
        dw += dy(n, c, s, 0) * ((x(n, c, s, 0) - mean(c)) * rstd(c));
    }
};
template <class T> struct GradientSums {
    T m;
    VectorView<T> dw, db, dy_mean, dyx_mean;
    bool add;
    HANDGRAD_HOST_DEVICE void operator()(std::size_t c, T db_sum, T dw_sum) const {
        dw(c) = add ? dw(c) + dw_sum : dw_sum;
        db(c) = add ? db(c) + db_sum : db_sum;
        dy_mean(c) = db_sum / m;
        dyx_mean(c) = dw_sum / m;
    }
};

template <class T> struct BackwardInput {
    ImagesView<const T> x;
    VectorView<const T> w, mean, rstd, dy_mean, dyx_mean;
    ImagesView<const T> dy;
    HANDGRAD_HOST_DEVICE T operator()(std::size_t i) const {
        const std::size_t c = i / x.h % x.c;
        const T x_hat = (x.data[i] - mean(c)) * rstd(c);
        return w(c) * rstd(c) * (dy.data[i] - dy_mean(c) - x_hat * dyx_mean(c));
    }
};

template <class T> struct EvalBackwardInput {
    VectorView<const T> w, rstd;
    ImagesView<const T> dy;
    HANDGRAD_HOST_DEVICE T operator()(std::size_t i) const {
        const std::size_t c = i / dy.h % dy.c;
        return w(c) * rstd(c) * dy.data[i];
    }
};

template <class T> struct Update {
    VectorView<const T> mean, var;
    T unbiased, momentum, rest;
    VectorView<T> running_mean, running_var, batches;
    HANDGRAD_HOST_DEVICE void operator()(std::size_t c) const {
        if (c == mean.size) {
            batches(0) += T(1);
            return;
        }
        running_mean(c) = rest * running_mean(c) + momentum * mean(c);
        running_var(c) = rest * running_var(c) + momentum * var(c) * unbiased;
    }
};

} // namespace

template <> template <class T> void BatchNormKernels<OnDevice>::forward(ImagesView<const T> x, VectorView<const T> w,
                                                                        VectorView<const T> b, double eps,
                                                                        ImagesView<T> y, VectorView<T> mean,
                                                                        VectorView<T> var, VectorView<T> rstd) {
    device::countable("batch_norm_forward", "x", x.size());
    const T m = static_cast<T>(x.n * x.h);
    const VectorView<const T> mu{mean.data, mean.size}, r{rstd.data, rstd.size};
    sum_over_channels(x, Entry<T>{x}, Mean<T>{m, mean});
    sum_over_channels(x, SquaredDifference<T>{x, mu}, Variance<T>{m, static_cast<T>(eps), var, rstd});
    device::tabulate(y.data, y.size(), 4, Normalised<T>{x, w, b, mu, r});
}

template <> template <class T>
void BatchNormKernels<OnDevice>::eval_forward(ImagesView<const T> x, VectorView<const T> w, VectorView<const T> b,
                                              VectorView<const T> mean, VectorView<const T> var, double eps,
                                              ImagesView<T> y, VectorView<T> rstd) {
    device::tabulate(rstd.data, rstd.size, 4, Rstd<T>{var, static_cast<T>(eps)});
    const VectorView<const T> r{rstd.data, rstd.size};
    device::tabulate(y.data, y.size(), 4, Normalised<T>{x, w, b, mean, r});
}

template <> template <class T>
void BatchNormKernels<OnDevice>::backward_parameters(ImagesView<const T> x, VectorView<const T> mean,
                                                     VectorView<const T> rstd, ImagesView<const T> dy, VectorView<T> dw,
                                                     VectorView<T> db, VectorView<T> dy_mean, VectorView<T> dyx_mean,
                                                     Accumulate mode) {
    device::countable("batch_norm_backward_parameters", "x", x.size());
    const T m = static_cast<T>(x.n * x.h > 0 ? x.n * x.h : 1);
    sum_over_channels(x, Gradients<T>{x, mean, rstd, dy},
                      GradientSums<T>{m, dw, db, dy_mean, dyx_mean, mode == Accumulate::yes});
}

template <> template <class T>
void BatchNormKernels<OnDevice>::backward_input(ImagesView<const T> x, VectorView<const T> w, VectorView<const T> mean,
                                                VectorView<const T> rstd, VectorView<const T> dy_mean,
                                                VectorView<const T> dyx_mean, ImagesView<const T> dy,
                                                ImagesView<T> dx) {
    device::tabulate(dx.data, dx.size(), 8, BackwardInput<T>{x, w, mean, rstd, dy_mean, dyx_mean, dy});
}

template <> template <class T>
void BatchNormKernels<OnDevice>::eval_backward_input(VectorView<const T> w, VectorView<const T> rstd,
                                                     ImagesView<const T> dy, ImagesView<T> dx) {
    device::tabulate(dx.data, dx.size(), 2, EvalBackwardInput<T>{w, rstd, dy});
}

template <> template <class T>
void BatchNormKernels<OnDevice>::update(VectorView<const T> mean, VectorView<const T> var, std::size_t m,
                                        double momentum, VectorView<T> running_mean, VectorView<T> running_var,
                                        VectorView<T> batches) {
    const T unbiased = static_cast<T>(static_cast<double>(m) / static_cast<double>(m - 1));
    device::for_each_item(mean.size + 1, 4,
                          Update<T>{mean, var, unbiased, static_cast<T>(momentum), static_cast<T>(1 - momentum),
                                    running_mean, running_var, batches});
}

HANDGRAD_INSTANTIATE_KERNEL(BatchNormKernels<OnDevice>::forward)
HANDGRAD_INSTANTIATE_KERNEL(BatchNormKernels<OnDevice>::eval_forward)
HANDGRAD_INSTANTIATE_KERNEL(BatchNormKernels<OnDevice>::backward_parameters)
HANDGRAD_INSTANTIATE_KERNEL(BatchNormKernels<OnDevice>::backward_input)
HANDGRAD_INSTANTIATE_KERNEL(BatchNormKernels<OnDevice>::eval_backward_input)
HANDGRAD_INSTANTIATE_KERNEL(BatchNormKernels<OnDevice>::update)

} // namespace handgrad
