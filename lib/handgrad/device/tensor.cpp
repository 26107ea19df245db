#include "handgrad/device/tensor.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "handgrad/device/kernels.hpp"
#include "handgrad/device/system.hpp"
#include "handgrad/error.hpp"

namespace handgrad::device {
namespace {

std::size_t count(const Shape& shape) {
    std::size_t n = 1;
    for (const std::size_t extent : shape) { n *= extent; }
    return n;
}

} // namespace

Buffer::Buffer(Buffer&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}

Buffer& Buffer::operator=(Buffer&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(bytes_, other.bytes_);
    return *this;
}

Buffer::~Buffer() {
    if (data_ != nullptr) { kernels::deallocate(data_); }
}

void Buffer::reserve(std::size_t bytes) {
    if (bytes <= bytes_) { return; }
    if (data_ != nullptr) { kernels::deallocate(std::exchange(data_, nullptr)); }
    bytes_ = 0;
    data_ = kernels::allocate(bytes);
    bytes_ = bytes;
}

template <class T> Tensor<T>::Tensor(const Shape& shape) : on_gpu_(is_gpu()) { resize(shape); }

template <class T> Tensor<T>::Tensor(const Tensor& other) : Tensor(other.shape()) {
    kernels::copy(other.data(), data(), size() * sizeof(T));
}

template <class T> Tensor<T>& Tensor<T>::operator=(const Tensor& other) {
    if (this != &other) {
        device::resize(*this, other.shape());
        kernels::copy(other.data(), data(), size() * sizeof(T));
    }
    return *this;
}

template <class T> std::size_t Tensor<T>::size() const { return on_gpu_ ? count(shape_) : host_.size(); }

template <class T> void Tensor<T>::fill(T value) { kernels::fill(data(), size(), value); }

template <class T> void Tensor<T>::resize(const Shape& shape) {
    if (on_gpu_) {
        buffer_.reserve(count(shape) * sizeof(T));
        shape_ = shape;
    } else {
        host_.resize(shape);
    }
}

template <class T> T* Tensor<T>::data() { return on_gpu_ ? static_cast<T*>(buffer_.data()) : host_.data(); }

template <class T> const T* Tensor<T>::data() const {
    return on_gpu_ ? static_cast<const T*>(buffer_.data()) : host_.data();
}

template <class T> const handgrad::Tensor<T>& Tensor<T>::on_host() const {
    if (on_gpu_) { throw std::logic_error("device::Tensor::on_host: the tensor is on a GPU, expected to_host()"); }
    return host_;
}

template <class T> handgrad::Tensor<T>& Tensor<T>::on_host() {
    return const_cast<handgrad::Tensor<T>&>(std::as_const(*this).on_host());
}

template <class T> void to_device(const handgrad::Tensor<T>& x, Tensor<T>& result) {
    resize(result, x.shape());
    kernels::copy_to_device(x.data(), result.data(), x.size() * sizeof(T));
}

template <class T> Tensor<T> to_device(const handgrad::Tensor<T>& x) {
    Tensor<T> result;
    to_device(x, result);
    return result;
}

template <class T> handgrad::Tensor<T> to_host(const Tensor<T>& x) {
    handgrad::Tensor<T> result(x.shape());
    kernels::copy_to_host(x.data(), result.data(), x.size() * sizeof(T));
    return result;
}

template <class T> T item(const Tensor<T>& x) {
    if (x.size() != 1) { throw ShapeError("item: x has shape " + to_string(x.shape()) + ", expected one number"); }
    T number;
    kernels::copy_to_host(x.data(), &number, sizeof(T));
    return number;
}

#define HANDGRAD_INSTANTIATE(T)                                                                                        \
    template class Tensor<T>;                                                                                          \
    template Tensor<T> to_device(const handgrad::Tensor<T>&);                                                          \
    template void to_device(const handgrad::Tensor<T>&, Tensor<T>&);                                                   \
    template handgrad::Tensor<T> to_host(const Tensor<T>&);                                                            \
    template T item(const Tensor<T>&);
HANDGRAD_INSTANTIATE(float)
HANDGRAD_INSTANTIATE(double)
HANDGRAD_INSTANTIATE(std::int32_t)
HANDGRAD_INSTANTIATE(std::int64_t)

} // namespace handgrad::device
