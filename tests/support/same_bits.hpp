#pragma once
// The strictest comparison of tensors.

#include <cstring>

#include "handgrad/tensor/tensor.hpp"

namespace support {

/// Whether shapes and all bits are equal: NaN equals itself, 0 and -0 differ.
template <class T> bool same_bits(const handgrad::Tensor<T>& a, const handgrad::Tensor<T>& b) {
    return a.shape() == b.shape() && (a.size() == 0 || std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0);
}

} // namespace support
