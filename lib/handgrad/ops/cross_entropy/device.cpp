// Softmax cross-entropy. Forward in three kernels: a row's softmax and loss, one item a row; sums of the rows' losses in
// fixed parts; their sum. Backward is entry by entry. Memory: z read, p written; p read, dz written.

#include <thrust/find.h>
#include <thrust/transform_reduce.h>

#include "handgrad/device/kernels.hpp"
#include "handgrad/device/run.hpp"
#include "handgrad/ops/softmax/device_row.hpp"

namespace handgrad::device::kernels {
namespace {

template <class T> struct RowLoss {
    const T* z;
    const std::int64_t* y;
    T* p;
    std::int64_t k;
    HANDGRAD_HOST_DEVICE double operator()(std::int64_t n) const {
        const SoftmaxRow<T> row(z + n * k, p + n * k, static_cast<std::size_t>(k));
        const bool is_class = y[n] >= 0 && y[n] < k;
        const T at_label = (is_class ? z[n * k + y[n]] : T(NAN)) - row.maximum;
        return static_cast<double>(std::log(row.sum)) - static_cast<double>(at_label);
    }
};

template <class T> struct Backward {
    const T* p;
    const std::int64_t* y;
    std::int64_t n, k;
    HANDGRAD_HOST_DEVICE T operator()(std::int64_t i) const {
        return (i % k == y[i / k] ? p[i] - T(1) : p[i]) / static_cast<T>(n);
    }
};

/// 1 if the largest score, the first of equals or of NaN, is the label's; else 0.
template <class T> struct IsRight {
    const T* z;
    const std::int64_t* y;
    std::int64_t k;
    HANDGRAD_HOST_DEVICE int operator()(std::int64_t n) const {
        const T* row = z + n * k;
        std::int64_t best = 0;
        for (std::int64_t j = 1; j < k; ++j) {
            const bool is_first_nan = row[j] != row[j] && row[best] == row[best];
            if (row[best] < row[j] || is_first_nan) { best = j; }
        }
        return best == y[n] ? 1 : 0;
    }
};

/// The sum of one part of the rows.
struct SumOfPart {
    BatchParts parts;
    const double* rows;
    HANDGRAD_HOST_DEVICE double operator()(int part) const {
        double sum = 0;
        for (int n = parts.begin(part); n < parts.end(part); ++n) { sum += rows[n]; }
        return sum;
    }
};

HANDGRAD_HOST_DEVICE inline double total(const double* sums, int count) {
    double sum = 0;
    for (int i = 0; i < count; ++i) { sum += sums[i]; }
    return sum;
}

template <class T> struct Mean {
    const double* sums;
    int count;
    double rows;
    HANDGRAD_HOST_DEVICE T operator()(int) const { return static_cast<T>(total(sums, count) / rows); }
};

template <class T> struct AddToTally {
    const double* sums;
    int count;
    double rows;
    const T* loss;
    double* tally;
    HANDGRAD_HOST_DEVICE void operator()(int) const {
        tally[0] += rows * static_cast<double>(*loss);
        tally[1] += total(sums, count);
    }
};

struct IsBadLabel {
    std::int64_t k;
    HANDGRAD_HOST_DEVICE bool operator()(std::int64_t label) const { return label < 0 || label >= k; }
};

} // namespace

template <class T> void cross_entropy_forward(const T* z, const std::int64_t* y, T* p, std::size_t n, std::size_t k,
                                              double* rows, T* loss) {
    const BatchParts parts(n);
    tabulate(rows, n, 25 * k, RowLoss<T>{z, y, p, static_cast<std::int64_t>(k)});
    tabulate(rows + n, static_cast<std::size_t>(parts.count), n / 64 + 1, SumOfPart{parts, rows});
    tabulate(loss, 1, 64, Mean<T>{rows + n, parts.count, static_cast<double>(n)});
}

template <class T> void cross_entropy_backward(const T* p, const std::int64_t* y, T* dz, std::size_t n, std::size_t k) {
    tabulate(dz, n * k, 3, Backward<T>{p, y, static_cast<std::int64_t>(n), static_cast<std::int64_t>(k)});
}

template <class T> std::size_t count_correct(const T* z, const std::int64_t* y, std::size_t n, std::size_t k) {
    int correct = 0;
    run(n * k, [&](const auto& policy) { // whole numbers: in whatever order they are added
        const thrust::counting_iterator<std::int64_t> rows(0);
        correct = thrust::transform_reduce(policy, rows, rows + static_cast<std::ptrdiff_t>(n),
                                           IsRight<T>{z, y, static_cast<std::int64_t>(k)}, 0, thrust::plus<int>());
    });
    return static_cast<std::size_t>(correct);
}

template <class T> void add_to_tally(const T* loss, const T* z, const std::int64_t* y, std::size_t n, std::size_t k,
                                     double* rows, double* tally) {
    const BatchParts parts(n);
    tabulate(rows, n, k, IsRight<T>{z, y, static_cast<std::int64_t>(k)});
    tabulate(rows + n, static_cast<std::size_t>(parts.count), n / 64 + 1, SumOfPart{parts, rows});
    for_each_item(1, 64, AddToTally<T>{rows + n, parts.count, static_cast<double>(n), loss, tally});
}

std::size_t first_bad_label(const std::int64_t* y, std::size_t n, std::size_t k) {
    std::size_t first = 0;
    run(n, [&](const auto& policy) {
        const auto found = thrust::find_if(policy, y, y + n, IsBadLabel{static_cast<std::int64_t>(k)});
        first = static_cast<std::size_t>(found - y);
    });
    return first;
}

#define HANDGRAD_INSTANTIATE(T)                                                                                        \
    template void cross_entropy_forward(const T*, const std::int64_t*, T*, std::size_t, std::size_t, double*, T*);     \
    template void cross_entropy_backward(const T*, const std::int64_t*, T*, std::size_t, std::size_t);                 \
    template std::size_t count_correct(const T*, const std::int64_t*, std::size_t, std::size_t);                       \
    template void add_to_tally(const T*, const T*, const std::int64_t*, std::size_t, std::size_t, double*, double*);
HANDGRAD_INSTANTIATE(float)
HANDGRAD_INSTANTIATE(double)

} // namespace handgrad::device::kernels
