// A batch out of a data set that lies on the device: thrust::gather for the labels, and for the pixels a tabulate that
// looks up the image's number and then what its byte stands for. No operations; a byte read, a number written.

#include <thrust/gather.h>

#include "handgrad/device/kernels.hpp"
#include "handgrad/device/run.hpp"

namespace handgrad::device::kernels {
namespace {

template <class T> struct Pixel {
    const std::uint8_t* bytes;
    const std::uint32_t* order;
    std::size_t pixels;
    const T* table;
    HANDGRAD_HOST_DEVICE T operator()(std::size_t item) const {
        return table[bytes[order[item / pixels] * pixels + item % pixels]];
    }
};

} // namespace

template <class T> void gather(const std::uint8_t* bytes, const std::int64_t* all_labels, const std::uint32_t* order,
                               std::size_t n, std::size_t pixels, const T* table, T* images, std::int64_t* labels) {
    tabulate(images, n * pixels, 1, Pixel<T>{bytes, order, pixels, table});
    run(n, [&](const auto& policy) { thrust::gather(policy, order, order + n, all_labels, labels); });
}

template void gather(const std::uint8_t*, const std::int64_t*, const std::uint32_t*, std::size_t, std::size_t,
                     const float*, float*, std::int64_t*);
template void gather(const std::uint8_t*, const std::int64_t*, const std::uint32_t*, std::size_t, std::size_t,
                     const double*, double*, std::int64_t*);

} // namespace handgrad::device::kernels
