// softmax: exponentials in SIMD registers over many rows at once. Formulas: softmax.hpp.

#include "handgrad/ops/softmax/rows.hpp"
#include "handgrad/ops/softmax/softmax.hpp"
#include "handgrad/tensor/parallel_for.hpp"

namespace handgrad {

template <> template <class T> void SoftmaxKernels<OnCpu>::forward(MatrixView<const T> z, MatrixView<T> p) {
    const std::size_t classes = z.columns;
    const Chunks chunks(z.rows, cpu::softmax_grain(classes));
    parallel_for(chunks.count, [&](std::size_t i) {
        const std::size_t offset = chunks.begin(i) * classes;
        cpu::softmax_rows(z.data + offset, p.data + offset, chunks.length(i), classes, [](std::size_t, T, T) {});
    });
}

template <> template <class T>
void SoftmaxKernels<OnCpu>::backward(MatrixView<const T> p, MatrixView<const T> dp, MatrixView<T> dz) {
    const std::size_t classes = p.columns;
    const Chunks chunks(p.rows, cpu::softmax_grain(classes));
    parallel_for(chunks.count, [&](std::size_t i) {
        for (std::size_t n = chunks.begin(i); n < chunks.begin(i) + chunks.length(i); ++n) {
            const T* pn = p.data + n * classes;
            const T* dpn = dp.data + n * classes;
            T mean(0); // mean of dp with the weights p
            for (std::size_t k = 0; k < classes; ++k) { mean += dpn[k] * pn[k]; }
            for (std::size_t k = 0; k < classes; ++k) { dz.data[n * classes + k] = pn[k] * (dpn[k] - mean); }
        }
    });
}

HANDGRAD_INSTANTIATE_KERNEL(SoftmaxKernels<OnCpu>::forward)
HANDGRAD_INSTANTIATE_KERNEL(SoftmaxKernels<OnCpu>::backward)

} // namespace handgrad
