// One item for each pixel: it looks up the image's number and then the table entry of the byte. One item for each
// label. No arithmetic: an item reads a byte and writes a number.

#include "handgrad/device/gather.hpp"

#include "handgrad/device/run.hpp"

namespace handgrad::device {
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

struct Label {
    const std::int64_t* all;
    const std::uint32_t* order;
    HANDGRAD_HOST_DEVICE std::int64_t operator()(std::size_t item) const { return all[order[item]]; }
};

} // namespace

template <class T> void gather(const std::uint8_t* bytes, const std::int64_t* all_labels, const std::uint32_t* order,
                               std::size_t n, std::size_t pixels, const T* table, T* images, std::int64_t* labels) {
    tabulate(images, n * pixels, 1, Pixel<T>{bytes, order, pixels, table});
    tabulate(labels, n, 1, Label{all_labels, order});
}

template void gather(const std::uint8_t*, const std::int64_t*, const std::uint32_t*, std::size_t, std::size_t,
                     const float*, float*, std::int64_t*);
template void gather(const std::uint8_t*, const std::int64_t*, const std::uint32_t*, std::size_t, std::size_t,
                     const double*, double*, std::int64_t*);

} // namespace handgrad::device
