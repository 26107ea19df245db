#pragma once
// conv2d_relu_max_pool2d, as its three operations one after another. Here winners is (N, C_out, P/2, Q/2).
// Formulas and shapes: conv2d_relu_max_pool2d.hpp; derivation: conv2d_relu_max_pool2d.md.

#include <vector>

#include "handgrad/ops/activation/reference.hpp"
#include "handgrad/ops/conv2d/reference.hpp"
#include "handgrad/ops/conv2d_relu_max_pool2d/conv2d_relu_max_pool2d.hpp"
#include "handgrad/ops/pool2d/reference.hpp"

namespace handgrad {

namespace reference::detail {

/// dz, (N, C_out, P, Q): every dy at its winner. `memory` holds its numbers.
template <class T>
ImagesView<const T> unpooled(ImagesView<const T> dy, VectorView<const T> winners, Size2d z, std::vector<T>& memory) {
    memory.assign(dy.n * dy.c * z.h * z.w, T(0));
    const ImagesView<T> dz{memory.data(), dy.n, dy.c, z.h, z.w};
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
    return {memory.data(), dy.n, dy.c, z.h, z.w};
}

} // namespace reference::detail

template <> template <class T> Shape Conv2dReluMaxPool2dKernels<OnReference>::winners_shape(const Shape& y) {
    return y;
}

template <> template <class T>
void Conv2dReluMaxPool2dKernels<OnReference>::forward(ImagesView<const T> x, ImagesView<const T> w,
                                                      VectorView<const T> b, const Conv2dOptions& options,
                                                      Size2d z_size, ImagesView<T> y, VectorView<T> winners) {
    std::vector<T> memory(y.n * y.c * z_size.h * z_size.w);
    std::vector<std::int32_t> indices(y.size());
    const ImagesView<T> z{memory.data(), y.n, y.c, z_size.h, z_size.w};
    Conv2dKernels<OnReference>::forward(x, w, b, options, z);
    for (T& entry : memory) { entry = reference::value(ReLU(), entry); }
    Pool2dKernels<OnReference>::max_forward(ImagesView<const T>{z.data, z.n, z.c, z.h, z.w}, MaxPool2dOptions(2), y,
                                            ImagesView<std::int32_t>{indices.data(), y.n, y.c, y.h, y.w});
    for (std::size_t i = 0; i < y.size(); ++i) {
        const std::size_t row = static_cast<std::size_t>(indices[i]) / z_size.w % 2;
        const std::size_t column = static_cast<std::size_t>(indices[i]) % z_size.w % 2;
        winners(i) = reference::is_positive(y.data[i]) ? T(static_cast<float>(2 * row + column)) : T(4);
    }
}

template <> template <class T>
void Conv2dReluMaxPool2dKernels<OnReference>::backward_input(ImagesView<const T> dy, VectorView<const T> winners,
                                                             ImagesView<const T> w, const Conv2dOptions& options,
                                                             Size2d z, ImagesView<T> dx) {
    std::vector<T> memory;
    const ImagesView<const T> dz = reference::detail::unpooled(dy, winners, z, memory);
    Conv2dKernels<OnReference>::backward_input(dz, w, options, dx);
}

template <> template <class T>
void Conv2dReluMaxPool2dKernels<OnReference>::backward_parameters(ImagesView<const T> x, ImagesView<const T> dy,
                                                                  VectorView<const T> winners,
                                                                  const Conv2dOptions& options, Size2d z,
                                                                  ImagesView<T> dw, VectorView<T> db, Accumulate mode) {
    std::vector<T> memory;
    const ImagesView<const T> dz = reference::detail::unpooled(dy, winners, z, memory);
    Conv2dKernels<OnReference>::backward_weight(x, dz, options, dw, mode);
    Conv2dKernels<OnReference>::backward_bias(dz, db, mode);
}

HANDGRAD_REFERENCE_KERNEL(Conv2dReluMaxPool2dKernels<OnReference>::winners_shape)
HANDGRAD_REFERENCE_KERNEL(Conv2dReluMaxPool2dKernels<OnReference>::forward)
HANDGRAD_REFERENCE_KERNEL(Conv2dReluMaxPool2dKernels<OnReference>::backward_input)
HANDGRAD_REFERENCE_KERNEL(Conv2dReluMaxPool2dKernels<OnReference>::backward_parameters)

} // namespace handgrad
