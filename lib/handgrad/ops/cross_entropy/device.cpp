// Softmax cross-entropy. Forward has four kernels: softmax and loss of each row, one item for each row; sums of the
// losses over fixed parts of the rows; the number of rows in each part that are not ignored; the quotient of the two
// totals. Backward counts these rows again and has one item for each entry. Forward reads z and writes p; backward
// reads p and writes dz. Formulas: cross_entropy.hpp.

#include "handgrad/device/memory.hpp"
#include "handgrad/device/run.hpp"
#include "handgrad/ops/cross_entropy/cross_entropy.hpp"
#include "handgrad/ops/softmax/device_row.hpp"

namespace handgrad {
namespace {

template <class T> struct RowLoss {
    MatrixView<const T> z;
    VectorView<const std::int64_t> y;
    MatrixView<T> p;
    HANDGRAD_HOST_DEVICE double operator()(std::size_t n) const {
        const device::SoftmaxRow<T> row(&z(n, 0), &p(n, 0), z.columns);
        if (y(n) == ignore_index) { return 0; }
        const bool is_class = y(n) >= 0 && y(n) < static_cast<std::int64_t>(z.columns);
        const T at_label = (is_class ? z(n, static_cast<std::size_t>(y(n))) : T(NAN)) - row.maximum;
        return static_cast<double>(std::log(row.sum)) - static_cast<double>(at_label);
    }
};

template <class T> struct Backward {
    MatrixView<const T> p;
    VectorView<const std::int64_t> y;
    const double* rows; ///< number of rows that are not ignored
    HANDGRAD_HOST_DEVICE T operator()(std::size_t item) const {
        const std::size_t n = item / p.columns, k = item % p.columns;
        if (y(n) == ignore_index) { return T(0); }
        const T probability = p(n, k);
        return (static_cast<std::int64_t>(k) == y(n) ? probability - T(1) : probability) / static_cast<T>(*rows);
    }
};

/// 1 if the predicted class is the label, else 0.
template <class T> struct IsRight {
    MatrixView<const T> z;
    VectorView<const std::int64_t> y;
    HANDGRAD_HOST_DEVICE int operator()(std::size_t n) const {
        const T* row = &z(n, 0);
        std::size_t best = 0;
        for (std::size_t j = 1; j < z.columns; ++j) {
            const bool is_first_nan = row[j] != row[j] && row[best] == row[best];
            if (row[best] < row[j] || is_first_nan) { best = j; }
        }
        return static_cast<std::int64_t>(best) == y(n) ? 1 : 0;
    }
};

/// The sum of one part of the rows.
struct SumOfPart {
    device::BatchParts parts;
    const double* rows;
    HANDGRAD_HOST_DEVICE double operator()(std::size_t item) const {
        const int part = static_cast<int>(item);
        double sum = 0;
        for (int n = parts.begin(part); n < parts.end(part); ++n) { sum += rows[n]; }
        return sum;
    }
};

/// The number of rows of one part that are not ignored.
struct RowsOfPart {
    device::BatchParts parts;
    VectorView<const std::int64_t> y;
    HANDGRAD_HOST_DEVICE double operator()(std::size_t item) const {
        const int part = static_cast<int>(item);
        double rows = 0;
        for (int n = parts.begin(part); n < parts.end(part); ++n) {
            rows += y(static_cast<std::size_t>(n)) == ignore_index ? 0 : 1;
        }
        return rows;
    }
};

HANDGRAD_HOST_DEVICE inline double total(const double* sums, int count) {
    double sum = 0;
    for (int i = 0; i < count; ++i) { sum += sums[i]; }
    return sum;
}

template <class T> struct Mean {
    const double *sums, *rows;
    int count;
    HANDGRAD_HOST_DEVICE T operator()(std::size_t) const {
        return static_cast<T>(total(sums, count) / total(rows, count));
    }
};

struct Total {
    const double* parts;
    int count;
    HANDGRAD_HOST_DEVICE double operator()(std::size_t) const { return total(parts, count); }
};

template <class T> struct AddToTally {
    const double *correct, *rows;
    int count;
    const T* loss;
    double* tally;
    HANDGRAD_HOST_DEVICE void operator()(std::size_t) const {
        const double counted = total(rows, count);
        if (counted > 0) { tally[0] += counted * static_cast<double>(*loss); }
        tally[1] += total(correct, count);
    }
};

struct IsBadLabel {
    VectorView<const std::int64_t> y;
    std::int64_t classes;
    HANDGRAD_HOST_DEVICE bool operator()(std::size_t n) const {
        return y(n) != ignore_index && (y(n) < 0 || y(n) >= classes);
    }
};

/// Memory for one double for each row, and twice one for each part of the rows.
double* row_memory(std::size_t rows) { return device::scratch<double>(rows + 128); }

/// rows[n .. n + parts) = the sums of rows[0 .. n) over the parts.
void add_up(const device::BatchParts& parts, std::size_t n, double* rows) {
    device::tabulate(rows + n, static_cast<std::size_t>(parts.count), n / 64 + 1, SumOfPart{parts, rows});
}

/// counts[0 .. parts.count) = the numbers of rows of the parts that are not ignored.
void count_rows(const device::BatchParts& parts, VectorView<const std::int64_t> y, double* counts) {
    device::tabulate(counts, static_cast<std::size_t>(parts.count), y.size / 64 + 1, RowsOfPart{parts, y});
}

} // namespace

template <> template <class T> void CrossEntropyKernels<OnDevice>::forward(MatrixView<const T> z,
                                                                           VectorView<const std::int64_t> y,
                                                                           MatrixView<T> p, T* loss) {
    device::countable("cross_entropy_forward", "y", z.rows);
    const device::BatchParts parts(z.rows);
    double* rows = row_memory(z.rows);
    device::tabulate(rows, z.rows, 25 * z.columns, RowLoss<T>{z, y, p});
    add_up(parts, z.rows, rows);
    count_rows(parts, y, rows + z.rows + 64);
    device::tabulate(loss, 1, 64, Mean<T>{rows + z.rows, rows + z.rows + 64, parts.count});
}

template <> template <class T> void
CrossEntropyKernels<OnDevice>::backward(MatrixView<const T> p, VectorView<const std::int64_t> y, MatrixView<T> dz) {
    device::countable("cross_entropy_backward", "y", p.rows);
    const device::BatchParts parts(p.rows);
    double* rows = row_memory(0);
    count_rows(parts, y, rows + 1);
    device::tabulate(rows, 1, 64, Total{rows + 1, parts.count});
    device::tabulate(dz.data, dz.rows * dz.columns, 3, Backward<T>{p, y, rows});
}

template <> template <class T>
std::size_t CrossEntropyKernels<OnDevice>::count_correct(MatrixView<const T> z, VectorView<const std::int64_t> y) {
    return device::count_items(z.rows, z.columns, IsRight<T>{z, y});
}

template <> template <class T> void CrossEntropyKernels<OnDevice>::add_to_tally(const T* loss, MatrixView<const T> z,
                                                                                VectorView<const std::int64_t> y,
                                                                                double* tally) {
    const device::BatchParts parts(z.rows);
    double* rows = row_memory(z.rows);
    device::tabulate(rows, z.rows, z.columns, IsRight<T>{z, y});
    add_up(parts, z.rows, rows);
    count_rows(parts, y, rows + z.rows + 64);
    device::for_each_item(1, 64, AddToTally<T>{rows + z.rows, rows + z.rows + 64, parts.count, loss, tally});
}

template <>
std::size_t CrossEntropyKernels<OnDevice>::first_wrong_label(VectorView<const std::int64_t> y, std::size_t classes) {
    return device::first_item(y.size, 1, IsBadLabel{y, static_cast<std::int64_t>(classes)});
}

HANDGRAD_INSTANTIATE_KERNEL(CrossEntropyKernels<OnDevice>::forward)
HANDGRAD_INSTANTIATE_KERNEL(CrossEntropyKernels<OnDevice>::backward)
HANDGRAD_INSTANTIATE_KERNEL(CrossEntropyKernels<OnDevice>::count_correct)
HANDGRAD_INSTANTIATE_KERNEL(CrossEntropyKernels<OnDevice>::add_to_tally)

} // namespace handgrad
