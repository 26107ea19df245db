#pragma once
/// @file
/// Copies tensors from the memory of the host to that of the device, and back.

#include "handgrad/device/tensor.hpp"
#include "handgrad/tensor/tensor.hpp"

namespace handgrad::device {

/// Copies x into a tensor of the device.
template <class T> void to_device(const handgrad::Tensor<T>& x, Tensor<T>& result) {
    resize(result, x.shape());
    copy_to_device(x.data(), result.data(), x.size() * sizeof(T));
}
/// A copy in the device's memory.
template <class T> Tensor<T> to_device(const handgrad::Tensor<T>& x) {
    Tensor<T> result;
    to_device(x, result);
    return result;
}

/// A copy in the host's memory. Waits until the device has computed it.
template <class T> handgrad::Tensor<T> to_host(const Tensor<T>& x) {
    handgrad::Tensor<T> result(x.shape());
    copy_to_host(x.data(), result.data(), x.size() * sizeof(T));
    return result;
}

/// The number of a tensor with one entry, as torch.Tensor.item(). Waits until the device has computed it.
/// @throws ShapeError for a tensor of another size
template <class T> T item(const Tensor<T>& x) {
    require_shape("item", "x", x.shape(), {1});
    T number;
    copy_to_host(x.data(), &number, sizeof(T));
    return number;
}

} // namespace handgrad::device
