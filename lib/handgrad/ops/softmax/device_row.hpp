#pragma once
// The softmax of one row, for the items of softmax and cross-entropy.

#include <cmath>

#include "handgrad/tensor/view.hpp"

namespace handgrad::device {

template <class T> struct SoftmaxRow {
    T maximum, sum; ///< maximum of z, sum of exp(z - maximum)

    HANDGRAD_HOST_DEVICE SoftmaxRow(const T* z, T* p, std::size_t k) : maximum(z[0]), sum(0) {
        for (std::size_t j = 1; j < k; ++j) { maximum = z[j] > maximum || z[j] != z[j] ? z[j] : maximum; }
        for (std::size_t j = 0; j < k; ++j) {
            p[j] = std::exp(z[j] - maximum);
            sum += p[j];
        }
        for (std::size_t j = 0; j < k; ++j) { p[j] /= sum; }
    }
};

} // namespace handgrad::device
