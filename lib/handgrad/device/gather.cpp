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

template <class T> struct WindowPixel {
    const std::uint8_t* bytes;
    const std::uint32_t* order;
    const ImageWindow* windows;
    std::size_t image_width, image_pixels, width, pixels;
    const T* table;
    HANDGRAD_HOST_DEVICE T operator()(std::size_t item) const {
        const std::size_t b = item / pixels, i = item % pixels;
        const auto p = static_cast<std::int32_t>(i / width), q = static_cast<std::int32_t>(i % width);
        const ImageWindow& window = windows[b];
        if (!window.covers(p, q)) { return table[0]; }
        return table[bytes[order[b] * image_pixels + window.source(p, q, image_width)]];
    }
};

struct Label {
    const std::int64_t* all;
    const std::uint32_t* order;
    HANDGRAD_HOST_DEVICE std::int64_t operator()(std::size_t item) const { return all[order[item]]; }
};

} // namespace

template <class T> void gather(const std::uint8_t* bytes, std::size_t pixels, const std::int64_t* all_labels,
                               const T* table, const Batch<T>& batch) {
    tabulate(batch.images, batch.n * pixels, 1, Pixel<T>{bytes, batch.order, pixels, table});
    tabulate(batch.labels, batch.n, 1, Label{all_labels, batch.order});
}

template <class T> void gather(const std::uint8_t* bytes, Size2d image, const std::int64_t* all_labels,
                               const ImageWindow* windows, Size2d size, const T* table, const Batch<T>& batch) {
    const std::size_t pixels = size.h * size.w;
    tabulate(batch.images, batch.n * pixels, 1,
             WindowPixel<T>{bytes, batch.order, windows, image.w, image.h * image.w, size.w, pixels, table});
    tabulate(batch.labels, batch.n, 1, Label{all_labels, batch.order});
}

template void gather(const std::uint8_t*, std::size_t, const std::int64_t*, const float*, const Batch<float>&);
template void gather(const std::uint8_t*, std::size_t, const std::int64_t*, const double*, const Batch<double>&);
template void gather(const std::uint8_t*, Size2d, const std::int64_t*, const ImageWindow*, Size2d, const float*,
                     const Batch<float>&);
template void gather(const std::uint8_t*, Size2d, const std::int64_t*, const ImageWindow*, Size2d, const double*,
                     const Batch<double>&);

} // namespace handgrad::device
