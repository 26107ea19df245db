// Softmax cross-entropy on the rows of softmax/rows.hpp. Formulas: cross_entropy.hpp.

#include <algorithm>
#include <cmath>

#include "handgrad/ops/cross_entropy/cross_entropy.hpp"
#include "handgrad/ops/softmax/rows.hpp"
#include "handgrad/tensor/parallel_for.hpp"
#include "handgrad/tensor/scratch.hpp"

namespace handgrad {

template <> template <class T> void
CrossEntropyKernels<OnCpu>::forward(MatrixView<const T> z, VectorView<const std::int64_t> y, MatrixView<T> p, T* loss) {
    const std::size_t classes = z.columns;
    const Chunks chunks(z.rows, cpu::softmax_grain(classes));
    // One sum for each chunk, in double; then the sum of these in the order of the chunks.
    double* losses = scratch<double, struct Losses>(chunks.count);
    parallel_for(chunks.count, [&](std::size_t i) {
        const std::size_t offset = chunks.begin(i) * classes;
        const T* zi = z.data + offset;
        const std::int64_t* yi = y.data + chunks.begin(i);
        double total = 0;
        cpu::softmax_rows(zi, p.data + offset, chunks.length(i), classes, [&](std::size_t n, T maximum, T sum) {
            if (yi[n] == ignore_index) { return; }
            const T at_label = zi[n * classes + static_cast<std::size_t>(yi[n])] - maximum;
            total += static_cast<double>(std::log(sum)) - static_cast<double>(at_label);
        });
        losses[i] = total;
    });
    double sum = 0;
    for (std::size_t i = 0; i < chunks.count; ++i) { sum += losses[i]; }
    *loss = static_cast<T>(sum / static_cast<double>(count_not_ignored(y)));
}

template <> template <class T>
void CrossEntropyKernels<OnCpu>::backward(MatrixView<const T> p, VectorView<const std::int64_t> y, MatrixView<T> dz) {
    const T batch = static_cast<T>(count_not_ignored(y));
    for (std::size_t n = 0; n < p.rows; ++n) {
        if (y(n) == ignore_index) {
            std::fill_n(&dz(n, 0), dz.columns, T(0));
            continue;
        }
        const auto label = static_cast<std::size_t>(y(n));
        const T at_label = (p(n, label) - T(1)) / batch; // first, since dz may be p
        for (std::size_t k = 0; k < p.columns; ++k) { dz(n, k) = p(n, k) / batch; }
        dz(n, label) = at_label;
    }
}

template <> template <class T>
std::size_t CrossEntropyKernels<OnCpu>::count_correct(MatrixView<const T> z, VectorView<const std::int64_t> y) {
    std::size_t correct = 0;
    for (std::size_t n = 0; n < z.rows; ++n) {
        if (argmax(&z(n, 0), z.columns) == static_cast<std::size_t>(y(n))) { ++correct; }
    }
    return correct;
}

HANDGRAD_INSTANTIATE_KERNEL(CrossEntropyKernels<OnCpu>::forward)
HANDGRAD_INSTANTIATE_KERNEL(CrossEntropyKernels<OnCpu>::backward)
HANDGRAD_INSTANTIATE_KERNEL(CrossEntropyKernels<OnCpu>::count_correct)

} // namespace handgrad
