// Addition in SIMD registers; threads share the chunks. Formulas: add.hpp.

#include "handgrad/ops/add/add.hpp"
#include "handgrad/tensor/entrywise.hpp"

namespace handgrad {

using cpu::Vec;

template <> template <class T>
void AddKernels<OnCpu>::forward(VectorView<const T> a, VectorView<const T> b, VectorView<T> y) {
    cpu::entrywise(a.data, b.data, y.data, a.size, [](Vec<T> u, Vec<T> v) { return u + v; });
}

template <> template <class T> void AddKernels<OnCpu>::copy(VectorView<const T> dy, VectorView<T> result) {
    cpu::entrywise(dy.data, result.data, dy.size, [](Vec<T> v) { return v; });
}

HANDGRAD_INSTANTIATE_KERNEL(AddKernels<OnCpu>::forward)
HANDGRAD_INSTANTIATE_KERNEL(AddKernels<OnCpu>::copy)

} // namespace handgrad
