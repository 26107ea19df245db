// Batch normalisation in SIMD registers. A sum over a channel has two steps: a sum over each plane of an image, then
// the sums of the planes, one image after another. Planes, and blocks of channels, are the chunks that threads share,
// so every sum has one order. For (N, C) the planes are single numbers, and the first step is left out.
// Formulas: batch_norm.hpp.

#include <algorithm>
#include <cmath>

#include "handgrad/ops/batch_norm/batch_norm.hpp"
#include "handgrad/tensor/parallel_for.hpp"
#include "handgrad/tensor/scratch.hpp"
#include "handgrad/tensor/simd.hpp"

namespace handgrad {
namespace {

using cpu::lanes;
using cpu::Vec;

/// Number of entries in a chunk: smaller chunks take less time than waking a thread.
constexpr std::size_t grain = 16384;

template <class T> Vec<T> load(const T* x) { return Vec<T>::load_unaligned(x); }

/// The first `count` lanes from memory, zeros in the others.
template <class T> Vec<T> load_part(const T* x, std::size_t count) {
    T buffer[lanes<T>] = {};
    std::copy_n(x, count, buffer);
    return load(buffer);
}

template <class T> void store_part(Vec<T> v, T* y, std::size_t count) {
    T buffer[lanes<T>];
    v.store_unaligned(buffer);
    std::copy_n(buffer, count, y);
}

/// Ones, zeros and ones, a register of each. A register loaded from between them marks the first or the last lanes.
template <class T> struct Marks {
    T values[3 * lanes<T>];
    constexpr Marks() : values() {
        for (std::size_t i = 0; i < lanes<T>; ++i) { values[i] = values[2 * lanes<T> + i] = T(1); }
    }
};
template <class T> constexpr Marks<T> marks;

/// v with zeros in the lanes that are not marked.
template <class T> Vec<T> only(Vec<T> v, const T* marked) {
    return xsimd::select(load(marked) > Vec<T>(0), v, Vec<T>(0));
}

/// The sum of f(register of a, register of b) over n entries; the order depends on n alone. The last register, if it is
/// not full, overlaps the one before it, whose entries do not count twice.
template <class T, class F> T sum_of(const T* a, const T* b, std::size_t n, const F& f) {
    Vec<T> sum(T(0));
    std::size_t i = 0;
    for (; i + lanes<T> <= n; i += lanes<T>) { sum += f(load(a + i), load(b + i)); }
    const std::size_t rest = n - i;
    if (rest > 0 && n < lanes<T>) {
        sum = only(f(load_part(a, n), load_part(b, n)), marks<T>.values + lanes<T> - rest);
    } else if (rest > 0) {
        const std::size_t last = n - lanes<T>;
        sum += only(f(load(a + last), load(b + last)), marks<T>.values + lanes<T> + rest);
    }
    return cpu::lane_sum<T>(sum);
}

/// z_i = f(a_i, b_i), i < n, for a z that shares no memory with a and b: the last register overlaps the one before it.
template <class T, class F> void map_plane(const T* a, const T* b, T* z, std::size_t n, const F& f) {
    if (n < lanes<T>) {
        store_part<T>(f(load_part(a, n), load_part(b, n)), z, n);
        return;
    }
    for (std::size_t i = 0; i + lanes<T> <= n; i += lanes<T>) { f(load(a + i), load(b + i)).store_unaligned(z + i); }
    const std::size_t last = n - lanes<T>;
    f(load(a + last), load(b + last)).store_unaligned(z + last);
}

/// z = f(a, b, constants of the channel) for all entries; a constant is one number for each channel. Chunks are planes,
/// or the rows of (N, C), where each lane is a channel.
template <class T, std::size_t Count, class F> void map(const ImagesView<const T>& shape, const T* a, const T* b, T* z,
                                                        const T* const (&constants)[Count], const F& f) {
    const std::size_t channels = shape.c, size = shape.h;
    if (size == 1) {
        const Chunks chunks(shape.n, std::max<std::size_t>(1, grain / channels));
        parallel_for(chunks.count, [&](std::size_t chunk) {
            for (std::size_t n = chunks.begin(chunk); n < chunks.begin(chunk) + chunks.length(chunk); ++n) {
                for (std::size_t c = 0; c < channels; c += lanes<T>) {
                    const std::size_t i = n * channels + c, width = std::min(lanes<T>, channels - c);
                    Vec<T> k[Count];
                    if (width == lanes<T>) {
                        for (std::size_t j = 0; j < Count; ++j) { k[j] = load(constants[j] + c); }
                        f(load(a + i), load(b + i), k).store_unaligned(z + i);
                    } else {
                        for (std::size_t j = 0; j < Count; ++j) { k[j] = load_part(constants[j] + c, width); }
                        store_part(f(load_part(a + i, width), load_part(b + i, width), k), z + i, width);
                    }
                }
            }
        });
        return;
    }
    const Chunks chunks(shape.n * channels, grain / std::max<std::size_t>(size, 1) + 1);
    parallel_for(chunks.count, [&](std::size_t chunk) {
        for (std::size_t p = chunks.begin(chunk); p < chunks.begin(chunk) + chunks.length(chunk); ++p) {
            Vec<T> k[Count];
            for (std::size_t j = 0; j < Count; ++j) { k[j] = Vec<T>(constants[j][p % channels]); }
            map_plane(a + p * size, b + p * size, z + p * size, size, [&](Vec<T> u, Vec<T> v) { return f(u, v, k); });
        }
    });
}

/// Calls f(p) for each plane p = n C + c of an image.
template <class T, class F> void for_each_plane(const ImagesView<const T>& x, const F& f) {
    const Chunks chunks(x.n * x.c, grain / std::max<std::size_t>(x.h, 1) + 1);
    parallel_for(chunks.count, [&](std::size_t chunk) {
        for (std::size_t p = chunks.begin(chunk); p < chunks.begin(chunk) + chunks.length(chunk); ++p) { f(p); }
    });
}

/// Two sums over the rows of matrices (N, C) for every column: f(n, c) returns what row n adds to them. A thread
/// computes a block of columns, all rows in order.
template <class T> struct Two { T one, two; };
template <class T, class F, class Result>
void sum_columns(std::size_t rows, std::size_t columns, const F& f, const Result& result) {
    constexpr std::size_t block = 64;
    const Chunks chunks(columns, rows * columns < 65536 ? columns : block, block);
    parallel_for(chunks.count, [&](std::size_t chunk) {
        const std::size_t end = chunks.begin(chunk) + chunks.length(chunk);
        for (std::size_t first = chunks.begin(chunk); first < end; first += block) {
            const std::size_t width = std::min(block, end - first);
            T one[block] = {}, two[block] = {};
            for (std::size_t n = 0; n < rows; ++n) {
                for (std::size_t c = 0; c < width; ++c) { // the compiler vectorises this loop
                    const Two<T> added = f(n, first + c);
                    one[c] += added.one;
                    two[c] += added.two;
                }
            }
            for (std::size_t c = 0; c < width; ++c) { result(first + c, one[c], two[c]); }
        }
    });
}

/// mean and var of every channel. Of a plane: its mean, and the sum of its squared differences to that. Of a channel,
/// whose planes have the same size: the mean of their means, and the sum of their sums, to which the means add
/// S (mean of the plane - mean)^2 each. So x is read once from memory.
template <class T> void statistics(const ImagesView<const T>& x, VectorView<T> mean, VectorView<T> var) {
    const std::size_t channels = x.c, size = x.h;
    const T count = static_cast<T>(x.n), m = static_cast<T>(x.n * size);
    const T *means = x.data, *squares = nullptr;
    if (size > 1) {
        T* of_planes = scratch<T, struct BatchNormPlanes>(2 * x.n * channels);
        T* squares_of_planes = of_planes + x.n * channels;
        for_each_plane(x, [&](std::size_t p) {
            const T* plane = x.data + p * size;
            const T mu = sum_of(plane, plane, size, [](Vec<T> v, Vec<T>) { return v; }) / static_cast<T>(size);
            const Vec<T> mean_of_plane(mu);
            of_planes[p] = mu;
            squares_of_planes[p] =
                sum_of(plane, plane, size, [&](Vec<T> v, Vec<T>) { return (v - mean_of_plane) * (v - mean_of_plane); });
        });
        means = of_planes;
        squares = squares_of_planes;
    }
    sum_columns<T>(
        x.n, channels,
        [=](std::size_t n, std::size_t c) {
            return Two<T>{means[n * channels + c], T(0)};
        },
        [&](std::size_t c, T sum, T) { mean(c) = sum / count; });
    const T weight = static_cast<T>(size);
    const T* mu = mean.data;
    const auto of_means = [=](std::size_t n, std::size_t c) {
        const T difference = means[n * channels + c] - mu[c];
        return weight * difference * difference;
    };
    const auto result = [&](std::size_t c, T one, T two) { var(c) = (one + two) / m; };
    if (squares) {
        sum_columns<T>(
            x.n, channels,
            [=](std::size_t n, std::size_t c) {
                return Two<T>{of_means(n, c), squares[n * channels + c]};
            },
            result);
    } else {
        sum_columns<T>(
            x.n, channels,
            [=](std::size_t n, std::size_t c) {
                return Two<T>{of_means(n, c), T(0)};
            },
            result);
    }
}

/// y from mean and rstd.
template <class T> void normalise(const ImagesView<const T>& x, VectorView<const T> w, VectorView<const T> b,
                                  const T* mean, const T* rstd, T* y) {
    T* scale = scratch<T, struct BatchNormScale>(x.c);
    for (std::size_t c = 0; c < x.c; ++c) { scale[c] = rstd[c] * w(c); }
    const T* const constants[] = {mean, scale, b.data};
    map(x, x.data, x.data, y, constants,
        [](Vec<T> v, Vec<T>, const Vec<T>(&k)[3]) { return (v - k[0]) * k[1] + k[2]; });
}

} // namespace

template <> template <class T>
void BatchNormKernels<OnCpu>::forward(ImagesView<const T> x, VectorView<const T> w, VectorView<const T> b, double eps,
                                      ImagesView<T> y, VectorView<T> mean, VectorView<T> var, VectorView<T> rstd) {
    statistics(x, mean, var);
    for (std::size_t c = 0; c < x.c; ++c) { rstd(c) = T(1) / std::sqrt(var(c) + static_cast<T>(eps)); }
    normalise(x, w, b, mean.data, rstd.data, y.data);
}

template <> template <class T>
void BatchNormKernels<OnCpu>::eval_forward(ImagesView<const T> x, VectorView<const T> w, VectorView<const T> b,
                                           VectorView<const T> mean, VectorView<const T> var, double eps,
                                           ImagesView<T> y, VectorView<T> rstd) {
    for (std::size_t c = 0; c < x.c; ++c) { rstd(c) = T(1) / std::sqrt(var(c) + static_cast<T>(eps)); }
    normalise(x, w, b, mean.data, rstd.data, y.data);
}

template <> template <class T>
void BatchNormKernels<OnCpu>::backward_parameters(ImagesView<const T> x, VectorView<const T> mean,
                                                  VectorView<const T> rstd, ImagesView<const T> dy, VectorView<T> dw,
                                                  VectorView<T> db, VectorView<T> dy_mean, VectorView<T> dyx_mean,
                                                  Accumulate mode) {
    const bool add = mode == Accumulate::yes;
    const std::size_t channels = x.c, size = x.h, count = x.n * size;
    const T m = static_cast<T>(count > 0 ? count : 1); // of no numbers the sums are 0, and so are the means
    const auto result = [&](std::size_t c, T db_sum, T differences) { // the sum of dy (x - mu)
        const T dw_sum = differences * rstd(c);
        dw(c) = add ? dw(c) + dw_sum : dw_sum;
        db(c) = add ? db(c) + db_sum : db_sum;
        dy_mean(c) = db_sum / m;
        dyx_mean(c) = dw_sum / m;
    };
    const T *mu = mean.data, *xs = x.data, *dys = dy.data;
    if (size == 1) {
        sum_columns<T>(
            x.n, channels,
            [=](std::size_t n, std::size_t c) {
                const std::size_t i = n * channels + c;
                return Two<T>{dys[i], dys[i] * (xs[i] - mu[c])};
            },
            result);
        return;
    }
    T* first = scratch<T, struct BatchNormPlanes>(2 * x.n * channels);
    T* second = first + x.n * channels;
    for_each_plane(x, [&](std::size_t p) {
        const Vec<T> of_channel(mu[p % channels]);
        first[p] = sum_of(dys + p * size, dys + p * size, size, [](Vec<T> d, Vec<T>) { return d; });
        second[p] =
            sum_of(dys + p * size, xs + p * size, size, [&](Vec<T> d, Vec<T> v) { return d * (v - of_channel); });
    });
    sum_columns<T>(
        x.n, channels,
        [=](std::size_t n, std::size_t c) {
            return Two<T>{first[n * channels + c], second[n * channels + c]};
        },
        result);
}

template <> template <class T>
void BatchNormKernels<OnCpu>::backward_input(ImagesView<const T> x, VectorView<const T> w, VectorView<const T> mean,
                                             VectorView<const T> rstd, VectorView<const T> dy_mean,
                                             VectorView<const T> dyx_mean, ImagesView<const T> dy, ImagesView<T> dx) {
    T* scale = scratch<T, struct BatchNormScale>(2 * x.c);
    T* slope = scale + x.c;
    for (std::size_t c = 0; c < x.c; ++c) {
        scale[c] = w(c) * rstd(c);
        slope[c] = rstd(c) * dyx_mean(c); // times x - mu: the third term
    }
    const T* const constants[] = {mean.data, scale, dy_mean.data, slope};
    map(x, x.data, dy.data, dx.data, constants,
        [](Vec<T> v, Vec<T> d, const Vec<T>(&k)[4]) { return k[1] * (d - k[2] - (v - k[0]) * k[3]); });
}

template <> template <class T>
void BatchNormKernels<OnCpu>::eval_backward_input(VectorView<const T> w, VectorView<const T> rstd,
                                                  ImagesView<const T> dy, ImagesView<T> dx) {
    T* scale = scratch<T, struct BatchNormScale>(dy.c);
    for (std::size_t c = 0; c < dy.c; ++c) { scale[c] = w(c) * rstd(c); }
    const T* const constants[] = {scale};
    map(dy, dy.data, dy.data, dx.data, constants, [](Vec<T> d, Vec<T>, const Vec<T>(&k)[1]) { return k[0] * d; });
}

template <> template <class T>
void BatchNormKernels<OnCpu>::update(VectorView<const T> mean, VectorView<const T> var, std::size_t m, double momentum,
                                     VectorView<T> running_mean, VectorView<T> running_var, VectorView<T> batches) {
    const T move = static_cast<T>(momentum), keep = static_cast<T>(1 - momentum);
    const T unbiased = static_cast<T>(static_cast<double>(m) / static_cast<double>(m - 1));
    for (std::size_t c = 0; c < mean.size; ++c) {
        running_mean(c) = keep * running_mean(c) + move * mean(c);
        running_var(c) = keep * running_var(c) + move * (var(c) * unbiased);
    }
    batches(0) += T(1);
}

HANDGRAD_INSTANTIATE_KERNEL(BatchNormKernels<OnCpu>::forward)
HANDGRAD_INSTANTIATE_KERNEL(BatchNormKernels<OnCpu>::eval_forward)
HANDGRAD_INSTANTIATE_KERNEL(BatchNormKernels<OnCpu>::backward_parameters)
HANDGRAD_INSTANTIATE_KERNEL(BatchNormKernels<OnCpu>::backward_input)
HANDGRAD_INSTANTIATE_KERNEL(BatchNormKernels<OnCpu>::eval_backward_input)
HANDGRAD_INSTANTIATE_KERNEL(BatchNormKernels<OnCpu>::update)

} // namespace handgrad
