// Max-pooling (pool2d_items.hpp): R S comparisons a window, x read once, y and the winners' places written. Backward has
// one item a channel, since windows may share a winner: less parallel than its forward, and every dy is read once.

#include <thrust/logical.h>

#include "handgrad/device/kernels.hpp"
#include "handgrad/device/run.hpp"
#include "handgrad/ops/pool2d/device_items.hpp"

namespace handgrad::device::kernels {
namespace {

struct IsPixel {
    std::size_t pixels;
    HANDGRAD_HOST_DEVICE bool operator()(std::int32_t index) const {
        return index >= 0 && static_cast<std::size_t>(index) < pixels;
    }
};

} // namespace

template <class T> void max_pool2d_forward(const Axis& rows, const Axis& columns, std::size_t images, const T* x, T* y,
                                           std::int32_t* indices) {
    for_each_item(images * static_cast<std::size_t>(rows.windows * columns.windows),
                  static_cast<std::size_t>(rows.kernel * columns.kernel),
                  MaxPool2dForward<T>{rows, columns, x, y, indices});
}

template <class T> void max_pool2d_backward(const T* dy, const std::int32_t* indices, T* dx, std::size_t images,
                                            std::size_t windows, std::size_t pixels) {
    for_each_item(images, windows + pixels,
                  MaxPool2dBackward<T>{static_cast<int>(pixels), static_cast<int>(windows), dy, indices, dx});
}

bool are_pixels(const std::int32_t* indices, std::size_t n, std::size_t pixels) {
    bool all = true;
    run(n, [&](const auto& policy) { all = thrust::all_of(policy, indices, indices + n, IsPixel{pixels}); });
    return all;
}

#define HANDGRAD_INSTANTIATE(T)                                                                                        \
    template void max_pool2d_forward(const Axis&, const Axis&, std::size_t, const T*, T*, std::int32_t*);              \
    template void max_pool2d_backward(const T*, const std::int32_t*, T*, std::size_t, std::size_t, std::size_t);
HANDGRAD_INSTANTIATE(float)
HANDGRAD_INSTANTIATE(double)

} // namespace handgrad::device::kernels
