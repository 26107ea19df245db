// Convolution. The plain kernels have one item for each number of the result (device_items.hpp). On a GPU the fast
// kernels compute the matrix product of im2col without the matrix: they look up tiles of it (cuda_tiles.hpp). Formulas:
// conv2d.hpp.

#include "handgrad/device/memory.hpp"
#include "handgrad/ops/conv2d/device_items.hpp"
#if defined(HANDGRAD_THRUST_CUDA)
#include "handgrad/ops/conv2d/cuda_tiles.hpp"
#endif

namespace handgrad {

using namespace device; // items, tabulate

template <> template <class T> void Conv2dKernels<OnDevice>::forward(ImagesView<const T> x, ImagesView<const T> w,
                                                                     VectorView<const T> b,
                                                                     const Conv2dOptions& options, ImagesView<T> y) {
    const ConvExtents e = extents("conv2d_forward", x, w, {y.h, y.w}, options);
#if defined(HANDGRAD_THRUST_CUDA)
    if (!is_plain()) { return tiles::multiply_all<T>(tiles::Forward<T>{e, x, w, b, y}, e.groups); }
#endif
    tabulate(y.data, y.size(), 2 * e.taps(), Conv2dForward<T>{e, x, w, b});
}

template <> template <class T>
void Conv2dKernels<OnDevice>::backward_input(ImagesView<const T> dy, ImagesView<const T> w,
                                             const Conv2dOptions& options, ImagesView<T> dx) {
    const ConvExtents e = extents("conv2d_backward_input", dx, w, {dy.h, dy.w}, options);
#if defined(HANDGRAD_THRUST_CUDA)
    if (!is_plain()) { return tiles::multiply_all<T>(tiles::BackwardInput<T>{e, dy, w, dx}, e.groups); }
#endif
    tabulate(dx.data, dx.size(), 2 * e.gathered(), Conv2dBackwardInput<T, StoredGradient<T>>{e, {dy}, w});
}

template <> template <class T>
void Conv2dKernels<OnDevice>::backward_weight(ImagesView<const T> x, ImagesView<const T> dy,
                                              const Conv2dOptions& options, ImagesView<T> dw, Accumulate mode) {
    const ConvExtents e = extents("conv2d_backward_weight", x, dw, {dy.h, dy.w}, options);
    const BatchParts batch(x.n);
    const std::size_t size = static_cast<std::size_t>(batch.count) * dw.size();
    T* parts = scratch<T>(size);
    const auto sum_parts = [&] {
#if defined(HANDGRAD_THRUST_CUDA)
        if (!is_plain()) {
            return tiles::multiply_all<T>(tiles::BackwardWeight<T>{e, batch, x, dy, parts}, batch.count * e.groups);
        }
#endif
        const std::size_t pixels = static_cast<std::size_t>(batch.each) * dy.h * dy.w;
        tabulate(parts, size, 2 * pixels, Conv2dBackwardWeightPart<T>{e, batch, x, dy});
    };
    sum_parts();
    add_parts(parts, batch.count, dw.entries(), mode);
}

template <> template <class T>
void Conv2dKernels<OnDevice>::backward_bias(ImagesView<const T> dy, VectorView<T> db, Accumulate mode) {
    countable("conv2d_backward_bias", "dy", dy.size());
    const BatchParts batch(dy.n);
    const std::size_t size = static_cast<std::size_t>(batch.count) * db.size;
    T* parts = scratch<T>(size);
    tabulate(parts, size, static_cast<std::size_t>(batch.each) * dy.h * dy.w, Conv2dBackwardBiasPart<T>{batch, dy});
    add_parts(parts, batch.count, db, mode);
}

HANDGRAD_INSTANTIATE_KERNEL(Conv2dKernels<OnDevice>::forward)
HANDGRAD_INSTANTIATE_KERNEL(Conv2dKernels<OnDevice>::backward_input)
HANDGRAD_INSTANTIATE_KERNEL(Conv2dKernels<OnDevice>::backward_weight)
HANDGRAD_INSTANTIATE_KERNEL(Conv2dKernels<OnDevice>::backward_bias)

} // namespace handgrad
