#include "handgrad/device/tensor.hpp"

#include <utility>

namespace handgrad::device {

template <class T> Tensor<T>::Tensor(const Shape& shape) { resize(shape); }

template <class T> Tensor<T>::Tensor(const Tensor& other) : Tensor(other.shape()) {
    copy(other.data_, data_, size() * sizeof(T));
}

template <class T> Tensor<T>& Tensor<T>::operator=(const Tensor& other) {
    if (this != &other) {
        resize(other.shape());
        version_.changed();
        copy(other.data_, data_, size() * sizeof(T));
    }
    return *this;
}

template <class T> Tensor<T>::Tensor(Tensor&& other) noexcept { take(other); }

template <class T> Tensor<T>& Tensor<T>::operator=(Tensor&& other) {
    if (is_view()) { return *this = std::as_const(other); }
    if (this != &other) {
        version_.changed();
        take(other);
    }
    return *this;
}

template <class T> void Tensor<T>::take(Tensor& other) noexcept {
    const bool view = other.is_view();
    shape_ = std::exchange(other.shape_, Shape{0});
    buffer_ = std::exchange(other.buffer_, Buffer());
    data_ = std::exchange(other.data_, nullptr);
    if (view) { version_.follow(other.version_); }
    other.version_.gone();
}

template <class T> void Tensor<T>::fill(T value) { device::fill(data(), size(), value); }

template <class T> void Tensor<T>::resize(const Shape& shape) {
    if (is_view()) {
        if (count(shape) != size()) {
            throw ShapeError("a view of shape " + to_string(shape_) + " cannot have shape " + to_string(shape));
        }
    } else {
        version_.changed();
        buffer_.reserve(count(shape) * sizeof(T));
        data_ = static_cast<T*>(buffer_.data());
    }
    shape_ = shape;
}

template <class T> void Tensor<T>::show(const Tensor& x, const Shape& shape) {
    shape_ = shape;
    if (this == &x) { return; }
    buffer_ = Buffer();
    data_ = x.data_;
    version_.follow(x.version_);
}

template class Tensor<float>;
template class Tensor<double>;
template class Tensor<std::int32_t>;
template class Tensor<std::int64_t>;

} // namespace handgrad::device
