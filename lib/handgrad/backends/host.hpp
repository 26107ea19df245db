#pragma once
/// @file

#include <algorithm>

#include "handgrad/backends/operations.hpp"
#include "handgrad/tensor/tensor.hpp"

namespace handgrad {

/// A backend whose tensors are in the host's memory: its operations, and copies from and to the host, which are none.
template <class Place, class T> struct HostBackend : Operations<Place, T> {
    /// A host tensor as this backend's: it is one.
    template <class U> static handgrad::Tensor<U> from_host(handgrad::Tensor<U> x) { return x; }
    /// Gives a tensor the numbers of a host tensor of its shape. It keeps its memory. @throws ShapeError
    template <class U> static void copy_from_host(const handgrad::Tensor<U>& x, handgrad::Tensor<U>& result) {
        require_shape("copy_from_host", "x", x.shape(), result.shape());
        std::copy_n(x.data(), x.size(), result.data());
    }
    /// This backend's numbers as a host tensor: they are one.
    template <class U> static const handgrad::Tensor<U>& to_host(const handgrad::Tensor<U>& x) { return x; }
};

} // namespace handgrad
