#include "handgrad/ops/softmax/cpu.hpp"

#include "handgrad/ops/softmax/rows.hpp"
#include "handgrad/tensor/parallel_for.hpp"

namespace handgrad::cpu {

template <class T> void softmax_forward(const Tensor<T>& z, Tensor<T>& p) {
    resize(p, check_softmax_forward(z.shape()));
    const std::size_t classes = z.shape(1);
    const Chunks chunks(z.shape(0), softmax_grain(classes));
    parallel_for(chunks.count, [&](std::size_t i) {
        const std::size_t offset = chunks.begin(i) * classes;
        softmax_rows(z.data() + offset, p.data() + offset, chunks.length(i), classes, [](std::size_t, T, T) {});
    });
}

template <class T> void softmax_backward(const Tensor<T>& p, const Tensor<T>& dp, Tensor<T>& dz) {
    resize(dz, check_softmax_backward(p.shape(), dp.shape()));
    const std::size_t classes = p.shape(1);
    const Chunks chunks(p.shape(0), softmax_grain(classes));
    parallel_for(chunks.count, [&](std::size_t i) {
        for (std::size_t n = chunks.begin(i); n < chunks.begin(i) + chunks.length(i); ++n) {
            const T* pn = p.data() + n * classes;
            const T* dpn = dp.data() + n * classes;
            T mean(0); // of dp, weighted with p
            for (std::size_t k = 0; k < classes; ++k) { mean += dpn[k] * pn[k]; }
            for (std::size_t k = 0; k < classes; ++k) { dz.data()[n * classes + k] = pn[k] * (dpn[k] - mean); }
        }
    });
}

template <class T> Tensor<T> softmax_forward(const Tensor<T>& z) {
    Tensor<T> p;
    softmax_forward(z, p);
    return p;
}

template <class T> Tensor<T> softmax_backward(const Tensor<T>& p, const Tensor<T>& dp) {
    Tensor<T> dz;
    softmax_backward(p, dp, dz);
    return dz;
}

#define HANDGRAD_INSTANTIATE(T)                                                                                        \
    template void softmax_forward(const Tensor<T>&, Tensor<T>&);                                                       \
    template void softmax_backward(const Tensor<T>&, const Tensor<T>&, Tensor<T>&);                                    \
    template Tensor<T> softmax_forward(const Tensor<T>&);                                                              \
    template Tensor<T> softmax_backward(const Tensor<T>&, const Tensor<T>&);
HANDGRAD_INSTANTIATE(float)
HANDGRAD_INSTANTIATE(double)

} // namespace handgrad::cpu
