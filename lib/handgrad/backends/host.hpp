#pragma once
/// @file

#include <algorithm>

#include "handgrad/backends/operations.hpp"
#include "handgrad/tensor/tensor.hpp"

namespace handgrad {

/// A backend whose tensors are in the host's memory: its operations, and conversions from and to host tensors, which do
/// not copy.
template <class Place, class T> struct HostBackend : Operations<Place, T> {
    /// Returns x: tensors of this backend are host tensors.
    template <class U> static handgrad::Tensor<U> from_host(handgrad::Tensor<U> x) { return x; }
    /// Copies a host tensor into a tensor of the same shape, which keeps its memory. @throws ShapeError
    template <class U> static void copy_from_host(const handgrad::Tensor<U>& x, handgrad::Tensor<U>& result) {
        require_shape("copy_from_host", "x", x.shape(), result.shape());
        std::copy_n(x.data(), x.size(), result.data());
    }
    /// Returns x: tensors of this backend are host tensors.
    template <class U> static const handgrad::Tensor<U>& to_host(const handgrad::Tensor<U>& x) { return x; }
};

} // namespace handgrad
