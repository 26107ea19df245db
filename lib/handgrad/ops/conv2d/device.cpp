// Convolution. Plain: one item a number of the result (conv2d_items.hpp). On a GPU the fast path treats it as the matrix
// product that im2col would make of it, but never writes that matrix: tiles of it are looked up as they are needed
// (cuda_tiles.hpp).

#include "handgrad/device/kernels.hpp"
#include "handgrad/ops/conv2d/device_items.hpp"
#if defined(HANDGRAD_THRUST_CUDA)
#include "handgrad/ops/conv2d/cuda_tiles.hpp"
#endif

namespace handgrad::device::kernels {

std::size_t batch_parts(std::size_t n) { return static_cast<std::size_t>(BatchParts(n).count); }

template <class T> void conv2d_forward(const ConvExtents& e, const T* x, const T* w, const T* b, T* y, bool plain) {
    static_cast<void>(plain);
#if defined(HANDGRAD_THRUST_CUDA)
    if (!plain) { return tiles::conv2d_forward(e, x, w, b, y); }
#endif
    tabulate(y, e.y_size(), e.taps() * 2, Conv2dForward<T>{e, x, w, b});
}

template <class T> void conv2d_backward_input(const ConvExtents& e, const T* dy, const T* w, T* dx, bool plain) {
    static_cast<void>(plain);
#if defined(HANDGRAD_THRUST_CUDA)
    if (!plain) { return tiles::conv2d_backward_input(e, dy, w, dx); }
#endif
    tabulate(dx, e.x_size(), e.gathered() * 2, Conv2dBackwardInput<T, StoredGradient<T>>{e, {dy}, w});
}

template <class T>
void conv2d_backward_weight(const ConvExtents& e, const T* x, const T* dy, T* dw, bool add, T* parts, bool plain) {
    const BatchParts batch(static_cast<std::size_t>(e.N));
    const auto count = static_cast<std::size_t>(batch.count);
    static_cast<void>(plain);
#if defined(HANDGRAD_THRUST_CUDA)
    if (!plain) {
        tiles::conv2d_backward_weight(e, batch, x, dy, parts);
    } else
#endif
    {
        const auto pixels = static_cast<std::size_t>(batch.each * e.rows.windows * e.columns.windows);
        tabulate(parts, count * e.w_size(), 2 * pixels, Conv2dBackwardWeightPart<T>{e, batch, x, dy});
    }
    add_parts(parts, count, e.w_size(), dw, add);
}

template <class T>
void conv2d_backward_bias(const T* dy, T* db, std::size_t n, std::size_t k, std::size_t pixels, bool add, T* parts) {
    const BatchParts batch(n);
    const auto count = static_cast<std::size_t>(batch.count);
    tabulate(parts, count * k, static_cast<std::size_t>(batch.each) * pixels,
             Conv2dBackwardBiasPart<T>{static_cast<int>(k), static_cast<int>(pixels), batch, dy});
    add_parts(parts, count, k, db, add);
}

#define HANDGRAD_INSTANTIATE(T)                                                                                        \
    template void conv2d_forward(const ConvExtents&, const T*, const T*, const T*, T*, bool);                          \
    template void conv2d_backward_input(const ConvExtents&, const T*, const T*, T*, bool);                             \
    template void conv2d_backward_weight(const ConvExtents&, const T*, const T*, T*, bool, T*, bool);                  \
    template void conv2d_backward_bias(const T*, T*, std::size_t, std::size_t, std::size_t, bool, T*);
HANDGRAD_INSTANTIATE(float)
HANDGRAD_INSTANTIATE(double)

} // namespace handgrad::device::kernels
