// Layer normalisation in SIMD registers. A kernel reads each row two or three times while it is in the first-level
// cache. The gradients of the parameters are summed row by row, for one block of features at a time. Formulas:
// layer_norm.hpp.

#include <algorithm>
#include <cmath>

#include "handgrad/ops/layer_norm/layer_norm.hpp"
#include "handgrad/tensor/parallel_for.hpp"
#include "handgrad/tensor/simd.hpp"

namespace handgrad {
namespace {

using cpu::lanes;
using cpu::Vec;

/// The sum over d < n. f(d) returns the register of the entries d .. d + lanes - 1, f_one(d) the single entry d. The
/// order depends on n alone.
template <class T, class F, class FOne> T sum_over(std::size_t n, const F& f, const FOne& f_one) {
    Vec<T> sum(T(0));
    std::size_t d = 0;
    for (; d + lanes<T> <= n; d += lanes<T>) { sum += f(d); }
    T total = cpu::lane_sum<T>(sum);
    for (; d < n; ++d) { total += f_one(d); }
    return total;
}

template <class T> Vec<T> load(const T* x) { return Vec<T>::load_unaligned(x); }

/// Number of rows in a chunk: about 16,384 entries.
std::size_t grain(std::size_t columns) { return std::max<std::size_t>(1, 16384 / columns); }

} // namespace

template <> template <class T> void LayerNormKernels<OnCpu>::forward(MatrixView<const T> x, VectorView<const T> w,
                                                                     VectorView<const T> b, double eps, MatrixView<T> y,
                                                                     VectorView<T> mean, VectorView<T> rstd) {
    const std::size_t D = x.columns;
    const Chunks chunks(x.rows, grain(D));
    parallel_for(chunks.count, [&](std::size_t chunk) {
        for (std::size_t n = chunks.begin(chunk); n < chunks.begin(chunk) + chunks.length(chunk); ++n) {
            const T* xn = &x(n, 0);
            T* yn = &y(n, 0);
            const T mu = sum_over<T>(
                             D, [&](std::size_t d) { return load(xn + d); }, [&](std::size_t d) { return xn[d]; }) /
                         static_cast<T>(D);
            const auto squared = [](auto v) { return v * v; };
            const T variance = sum_over<T>(
                                   D, [&](std::size_t d) { return squared(load(xn + d) - Vec<T>(mu)); },
                                   [&](std::size_t d) { return squared(xn[d] - mu); }) /
                               static_cast<T>(D);
            const T r = T(1) / std::sqrt(variance + static_cast<T>(eps));
            std::size_t d = 0;
            for (; d + lanes<T> <= D; d += lanes<T>) {
                const Vec<T> x_hat = (load(xn + d) - Vec<T>(mu)) * Vec<T>(r);
                (x_hat * load(w.data + d) + load(b.data + d)).store_unaligned(yn + d);
            }
            for (; d < D; ++d) { yn[d] = (xn[d] - mu) * r * w(d) + b(d); }
            mean(n) = mu;
            rstd(n) = r;
        }
    });
}

template <> template <class T>
void LayerNormKernels<OnCpu>::backward_input(MatrixView<const T> x, VectorView<const T> w, VectorView<const T> mean,
                                             VectorView<const T> rstd, MatrixView<const T> dy, MatrixView<T> dx) {
    const std::size_t D = x.columns;
    const Chunks chunks(x.rows, grain(D));
    parallel_for(chunks.count, [&](std::size_t chunk) {
        for (std::size_t n = chunks.begin(chunk); n < chunks.begin(chunk) + chunks.length(chunk); ++n) {
            const T *xn = &x(n, 0), *dyn = &dy(n, 0);
            T* dxn = &dx(n, 0);
            const T mu = mean(n), r = rstd(n);
            const T g_mean = sum_over<T>(
                                 D, [&](std::size_t d) { return load(dyn + d) * load(w.data + d); },
                                 [&](std::size_t d) { return dyn[d] * w(d); }) /
                             static_cast<T>(D);
            const T gx_mean = // mean of g times x_hat
                sum_over<T>(
                    D,
                    [&](std::size_t d) {
                        return load(dyn + d) * load(w.data + d) * ((load(xn + d) - Vec<T>(mu)) * Vec<T>(r));
                    },
                    [&](std::size_t d) { return dyn[d] * w(d) * ((xn[d] - mu) * r); }) /
                static_cast<T>(D);
            std::size_t d = 0;
            for (; d + lanes<T> <= D; d += lanes<T>) {
                const Vec<T> x_hat = (load(xn + d) - Vec<T>(mu)) * Vec<T>(r);
                const Vec<T> g = load(dyn + d) * load(w.data + d);
                (Vec<T>(r) * (g - Vec<T>(g_mean) - x_hat * Vec<T>(gx_mean))).store_unaligned(dxn + d);
            }
            for (; d < D; ++d) { dxn[d] = r * (dyn[d] * w(d) - g_mean - (xn[d] - mu) * r * gx_mean); }
        }
    });
}

template <> template <class T>
void LayerNormKernels<OnCpu>::backward_parameters(MatrixView<const T> x, VectorView<const T> mean,
                                                  VectorView<const T> rstd, MatrixView<const T> dy, VectorView<T> dw,
                                                  VectorView<T> db, Accumulate mode) {
    const bool add = mode == Accumulate::yes;
    // A thread computes a block of features and reads all rows in order: there are no sums across threads.
    constexpr std::size_t block = 64;
    const Chunks chunks(x.columns, x.rows * x.columns < 65536 ? x.columns : block, block);
    parallel_for(chunks.count, [&](std::size_t chunk) {
        const std::size_t end = chunks.begin(chunk) + chunks.length(chunk);
        for (std::size_t first = chunks.begin(chunk); first < end; first += block) {
            const std::size_t width = std::min(block, end - first);
            T dw_sum[block] = {}, db_sum[block] = {};
            for (std::size_t n = 0; n < x.rows; ++n) {
                const T *xn = &x(n, first), *dyn = &dy(n, first);
                const T mu = mean(n), r = rstd(n);
                for (std::size_t d = 0; d < width; ++d) { // the compiler vectorises this loop
                    dw_sum[d] += dyn[d] * ((xn[d] - mu) * r);
                    db_sum[d] += dyn[d];
                }
            }
            for (std::size_t d = 0; d < width; ++d) {
                dw(first + d) = add ? dw(first + d) + dw_sum[d] : dw_sum[d];
                db(first + d) = add ? db(first + d) + db_sum[d] : db_sum[d];
            }
        }
    });
}

HANDGRAD_INSTANTIATE_KERNEL(LayerNormKernels<OnCpu>::forward)
HANDGRAD_INSTANTIATE_KERNEL(LayerNormKernels<OnCpu>::backward_input)
HANDGRAD_INSTANTIATE_KERNEL(LayerNormKernels<OnCpu>::backward_parameters)

} // namespace handgrad
