#pragma once
/// @file
/// The device backend: every operation as parallel primitives, by Thrust, on a GPU or on this computer's cores. The
/// same input gives the same bits at each run; on the host, on any number of threads too.

#include "handgrad/backends/operations.hpp"
#include "handgrad/device/system.hpp"
#include "handgrad/device/tensor.hpp"
#include "handgrad/ops/activation/device.hpp"
#include "handgrad/ops/activation/device_sigmoid.hpp"
#include "handgrad/ops/activation/device_tanh.hpp"
#include "handgrad/ops/conv2d/device.hpp"
#include "handgrad/ops/conv2d_relu_max_pool2d/device.hpp"
#include "handgrad/ops/cross_entropy/device.hpp"
#include "handgrad/ops/flatten/device.hpp"
#include "handgrad/ops/l2_penalty/device.hpp"
#include "handgrad/ops/linear/device.hpp"
#include "handgrad/ops/pool2d/device.hpp"
#include "handgrad/ops/pool2d/device_avg.hpp"
#include "handgrad/ops/sgd/device.hpp"
#include "handgrad/ops/softmax/device.hpp"

namespace handgrad {

/// The operations of namespace handgrad::device as a type, to be handed to modules: Device<float>, Device<double>.
template <class T = float> struct Device {
    using Scalar = T;                          ///< type of one number
    template <class U> using With = Device<U>; ///< the same backend for another type of number
    using Tensor = device::Tensor<T>;          ///< type of an array
    using Labels = device::Labels;             ///< type of a batch's classes
    using Indices = device::Indices;           ///< type of the winners of max-pooling
#define HANDGRAD_X(name) HANDGRAD_FORWARD_TO(device, name)
    HANDGRAD_OPERATIONS(HANDGRAD_X)
#undef HANDGRAD_X
    using Loss = device::Tensor<T>; ///< type of a loss that need not have been computed yet: it stays on the device
    /// cross_entropy_forward without waiting for the loss.
    static void compute_cross_entropy(const Tensor& z, const Labels& y, Tensor& p, Loss& loss) {
        device::cross_entropy_forward(z, y, p, loss);
    }
    static T item(const Loss& loss) { return device::item(loss); } ///< its number: waits for it
    /// A host tensor's numbers as this backend's tensor.
    template <class U> static device::Tensor<U> from_host(const handgrad::Tensor<U>& x) { return device::to_device(x); }
    /// Gives a tensor the numbers of a host tensor of its shape. It keeps its memory.
    template <class U> static void copy_from_host(const handgrad::Tensor<U>& x, device::Tensor<U>& result) {
        require_shape("copy_from_host", "x", x.shape(), result.shape());
        device::to_device(x, result);
    }
    /// This backend's numbers as a host tensor.
    template <class U> static handgrad::Tensor<U> to_host(const device::Tensor<U>& x) { return device::to_host(x); }
};

} // namespace handgrad
