#pragma once
// Small labelled images for training.

#include <string>

#include "handgrad/data/mnist.hpp"
#include "handgrad/tensor/random.hpp"

namespace support {

/// n images of side x side pixels: a pattern for each class, plus noise for each image. A network learns them quickly.
inline handgrad::data::ImageDataset patterns(std::size_t n, std::size_t side, std::size_t classes, std::uint64_t seed) {
    handgrad::data::ImageDataset images;
    images.name = "patterns";
    for (std::size_t k = 0; k < classes; ++k) { images.class_names.push_back(std::to_string(k)); }
    images.height = images.width = side;
    const std::size_t pixels = side * side;
    handgrad::Random pattern(1, 5), noise(seed, 6);
    std::vector<std::uint64_t> levels(classes * pixels);
    for (auto& level : levels) { level = pattern.below(200); }
    for (std::size_t i = 0; i < n; ++i) {
        const std::size_t k = i % classes;
        images.labels.push_back(static_cast<std::uint8_t>(k));
        for (std::size_t j = 0; j < pixels; ++j) {
            images.pixels.push_back(static_cast<std::uint8_t>(levels[k * pixels + j] + noise.below(56)));
        }
    }
    return images;
}

} // namespace support
