#pragma once
// What softmax and cross-entropy do with a row.

#include <cmath>

#include "handgrad/device/host_device.hpp"

namespace handgrad::device::kernels {

/// Softmax of one row of k scores, and what the loss needs of it.
template <class T> struct SoftmaxRow {
    T maximum, sum; ///< of z, and of exp(z - maximum)

    HANDGRAD_HOST_DEVICE SoftmaxRow(const T* z, T* p, std::size_t k) : maximum(z[0]), sum(0) {
        for (std::size_t j = 1; j < k; ++j) { maximum = z[j] > maximum || z[j] != z[j] ? z[j] : maximum; }
        for (std::size_t j = 0; j < k; ++j) {
            p[j] = std::exp(z[j] - maximum);
            sum += p[j];
        }
        for (std::size_t j = 0; j < k; ++j) { p[j] /= sum; }
    }
};

} // namespace handgrad::device::kernels
