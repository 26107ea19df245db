#include "handgrad/plot/png.hpp"

#include <fmt/format.h>
#include <png.h>

#include "handgrad/error.hpp"
#include "handgrad/io/atomic_file.hpp"
#include "handgrad/tensor/tensor.hpp"

namespace handgrad::plot {

std::string encode_png(const Image& image) {
    constexpr std::size_t most = 1u << 20; // a side; keeps every product below in range
    if (image.height == 0 || image.width == 0 || image.height > most || image.width > most) {
        throw ShapeError(
            fmt::format("encode_png: a picture of {} x {} pixels", as_written(image.height), as_written(image.width)));
    }
    if (image.channels != 1 && image.channels != 3) {
        throw ShapeError(fmt::format("encode_png: {} channels, expected 1 or 3", image.channels));
    }
    const std::size_t expected = image.height * image.width * image.channels;
    if (image.pixels.size() != expected) {
        throw ShapeError(fmt::format("encode_png: {} pixel values, expected {}", image.pixels.size(), expected));
    }

    png_image header = {};
    header.version = PNG_IMAGE_VERSION;
    header.height = static_cast<png_uint_32>(image.height);
    header.width = static_cast<png_uint_32>(image.width);
    header.format = image.channels == 1 ? PNG_FORMAT_GRAY : PNG_FORMAT_RGB;
    png_alloc_size_t size = 0;
    const auto write = [&](void* memory) {
        if (png_image_write_to_memory(&header, memory, &size, 0, image.pixels.data(), 0, nullptr) == 0) {
            throw DataError(fmt::format("encode_png: {}", header.message));
        }
    };
    write(nullptr); // only to learn the size
    std::string bytes(size, '\0');
    write(bytes.data());
    bytes.resize(size);
    return bytes;
}

void write_png(const std::filesystem::path& path, const Image& image) { io::write_file(path, encode_png(image)); }

} // namespace handgrad::plot
