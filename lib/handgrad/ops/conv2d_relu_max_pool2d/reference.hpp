#pragma once
// conv2d_relu_max_pool2d, as its three operations one after another. Here winners is (N, K, P/2, Q/2).
// Formulas, shapes and derivation: conv2d_relu_max_pool2d.hpp.

#include "handgrad/ops/activation/reference.hpp"
#include "handgrad/ops/conv2d/reference.hpp"
#include "handgrad/ops/conv2d_relu_max_pool2d/conv2d_relu_max_pool2d.hpp"
#include "handgrad/ops/pool2d/reference.hpp"
#include "handgrad/tensor/tensor.hpp"

namespace handgrad {

namespace reference::detail {

/// dz, (N, K, P, Q): every dy at its winner.
template <class T> Tensor<T> unpooled(ImagesView<const T> dy, VectorView<const T> winners, Size2d z) {
    auto dz = zeros<T>({dy.n, dy.c, z.h, z.w});
    const ImagesView<const T> places{winners.data, dy.n, dy.c, dy.h, dy.w};
    for (std::size_t n = 0; n < dy.n; ++n) {
        for (std::size_t k = 0; k < dy.c; ++k) {
            for (std::size_t p = 0; p < dy.h; ++p) {
                for (std::size_t q = 0; q < dy.w; ++q) {
                    const auto place = static_cast<std::size_t>(value_of(places(n, k, p, q)));
                    if (place < 4) { dz(n, k, 2 * p + place / 2, 2 * q + place % 2) = dy(n, k, p, q); }
                }
            }
        }
    }
    return dz;
}

} // namespace reference::detail

template <> template <class T> Shape Conv2dReluMaxPool2dKernels<OnReference>::winners_shape(const Shape& y) {
    return y;
}

template <> template <class T>
void Conv2dReluMaxPool2dKernels<OnReference>::forward(ImagesView<const T> x, ImagesView<const T> w,
                                                      VectorView<const T> b, const Conv2dOptions& options,
                                                      Size2d z_size, ImagesView<T> y, VectorView<T> winners) {
    Tensor<T> z(Shape{y.n, y.c, z_size.h, z_size.w}), h, pooled;
    Tensor<std::int32_t> indices;
    Conv2dKernels<OnReference>::forward(x, w, b, options, images(z));
    reference::relu_forward(z, h);
    reference::max_pool2d_forward(h, MaxPool2dOptions(2), pooled, indices);
    for (std::size_t i = 0; i < y.size(); ++i) {
        y.data[i] = pooled.data()[i];
        const std::size_t row = static_cast<std::size_t>(indices.data()[i]) / z_size.w % 2;
        const std::size_t column = static_cast<std::size_t>(indices.data()[i]) % z_size.w % 2;
        winners(i) = reference::is_positive(y.data[i]) ? T(static_cast<float>(2 * row + column)) : T(4);
    }
}

template <> template <class T>
void Conv2dReluMaxPool2dKernels<OnReference>::backward_input(ImagesView<const T> dy, VectorView<const T> winners,
                                                             ImagesView<const T> w, const Conv2dOptions& options,
                                                             Size2d z, ImagesView<T> dx) {
    const Tensor<T> dz = reference::detail::unpooled(dy, winners, z);
    Conv2dKernels<OnReference>::backward_input(images(dz), w, options, dx);
}

template <> template <class T>
void Conv2dReluMaxPool2dKernels<OnReference>::backward_parameters(ImagesView<const T> x, ImagesView<const T> dy,
                                                                  VectorView<const T> winners,
                                                                  const Conv2dOptions& options, Size2d z,
                                                                  ImagesView<T> dw, VectorView<T> db, Accumulate mode) {
    const Tensor<T> dz = reference::detail::unpooled(dy, winners, z);
    Conv2dKernels<OnReference>::backward_weight(x, images(dz), options, dw, mode);
    Conv2dKernels<OnReference>::backward_bias(images(dz), db, mode);
}

HANDGRAD_REFERENCE_KERNEL(Conv2dReluMaxPool2dKernels<OnReference>::winners_shape)
HANDGRAD_REFERENCE_KERNEL(Conv2dReluMaxPool2dKernels<OnReference>::forward)
HANDGRAD_REFERENCE_KERNEL(Conv2dReluMaxPool2dKernels<OnReference>::backward_input)
HANDGRAD_REFERENCE_KERNEL(Conv2dReluMaxPool2dKernels<OnReference>::backward_parameters)

} // namespace handgrad
