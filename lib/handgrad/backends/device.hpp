#pragma once
/// @file
/// The device backend: every operation as parallel primitives, by Thrust, on a GPU or on this computer's cores. The
/// same input gives the same bits in every run, and on the host on any number of threads.

#include "handgrad/backends/operations.hpp"
#include "handgrad/device/system.hpp"
#include "handgrad/device/transfer.hpp"

namespace handgrad {

/// The operations by Thrust: Device<float>, Device<double>.
template <class T = float> struct Device : Operations<OnDevice, T> {
    template <class U> using With = Device<U>; ///< the same backend for another type of number
    /// A copy of a host tensor on the device.
    template <class U> static device::Tensor<U> from_host(const handgrad::Tensor<U>& x) { return device::to_device(x); }
    /// Copies a host tensor into a tensor of the same shape, which keeps its memory. @throws ShapeError
    template <class U> static void copy_from_host(const handgrad::Tensor<U>& x, device::Tensor<U>& result) {
        require_shape("copy_from_host", "x", x.shape(), result.shape());
        device::to_device(x, result);
    }
    /// A copy of a device tensor on the host.
    template <class U> static handgrad::Tensor<U> to_host(const device::Tensor<U>& x) { return device::to_host(x); }
};

} // namespace handgrad
