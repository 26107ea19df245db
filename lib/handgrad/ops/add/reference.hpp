#pragma once
// Addition, number by number. Formulas: add.hpp.

#include "handgrad/ops/add/add.hpp"

namespace handgrad {

template <> template <class T>
void AddKernels<OnReference>::forward(VectorView<const T> a, VectorView<const T> b, VectorView<T> y) {
    for (std::size_t i = 0; i < a.size; ++i) { y(i) = a(i) + b(i); }
}

template <> template <class T> void AddKernels<OnReference>::copy(VectorView<const T> dy, VectorView<T> result) {
    for (std::size_t i = 0; i < dy.size; ++i) { result(i) = dy(i); }
}

HANDGRAD_REFERENCE_KERNEL(AddKernels<OnReference>::forward)
HANDGRAD_REFERENCE_KERNEL(AddKernels<OnReference>::copy)

} // namespace handgrad
