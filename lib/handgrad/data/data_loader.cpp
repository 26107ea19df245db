#include "handgrad/data/data_loader.hpp"

#include <numeric>
#include <string_view>
#include <variant>
#include <vector>

#include <fmt/format.h>
#include <zlib.h>

#include "handgrad/error.hpp"
#include "handgrad/tensor/random.hpp"

namespace handgrad::data {
namespace {

// Prefetches memory that is needed soon. Shuffled images are scattered over memory: waiting for each of them would take
// as long as the rest of the loading of an epoch.
void prefetch(const std::uint8_t* bytes, std::size_t count) {
#ifdef __GNUC__ // GCC and clang
    constexpr std::size_t cache_line = 64;
    for (std::size_t i = 0; i < count; i += cache_line) { __builtin_prefetch(bytes + i); }
#else
    static_cast<void>(bytes);
    static_cast<void>(count);
#endif
}

// The pixels that a window of an image shows, as bytes: 0 where it shows none. Copies row by row.
void show(const ImageWindow& window, const std::uint8_t* image, std::size_t image_width, Size2d size,
          std::uint8_t* shown) {
    std::fill_n(shown, size.h * size.w, std::uint8_t{0});
    for (std::int32_t p = window.rows_begin; p < window.rows_end; ++p) {
        std::uint8_t* const row = shown + static_cast<std::size_t>(p) * size.w;
        for (std::int32_t q = window.columns_begin; q < window.columns_end; ++q) {
            row[q] = image[window.source(p, q, image_width)];
        }
    }
}

} // namespace

BatchSampler::BatchSampler(std::size_t dataset_size, const LoaderOptions& options) : options_(options) {
    require_at_least("DataLoader", "batch_size", options.batch_size, 1);
    require_at_least("DataLoader", "limit", options.limit, 0);
    if (options.limit > 0) { dataset_size = std::min(dataset_size, options.limit); }
    if (dataset_size == 0 || dataset_size > 0xffffffffU) {
        throw ShapeError(fmt::format("DataLoader: the data set has {} images, expected 1 to 2^32 - 1", dataset_size));
    }
    if (options.drop_last && dataset_size < options.batch_size) {
        throw ShapeError(fmt::format("DataLoader: drop_last leaves no batch of {}, expected at least {} images",
                                     dataset_size, options.batch_size));
    }
    order_.resize(dataset_size);
    std::iota(order_.begin(), order_.end(), 0U);
}

std::size_t BatchSampler::batches() const {
    const std::size_t full = order_.size() / options_.batch_size;
    return full + (order_.size() % options_.batch_size != 0 && !options_.drop_last ? 1 : 0);
}

BatchSampler::Range BatchSampler::peek() {
    if (epoch_ != state_.epoch) {
        epoch_ = state_.epoch;
        if (options_.shuffle) {
            std::iota(order_.begin(), order_.end(), 0U);
            // A program with the same seed draws its initial weights from stream 0.
            Random(options_.seed, state_.epoch + 1).shuffle(order_.begin(), order_.end());
        }
    }
    const std::size_t first = state_.batch * options_.batch_size;
    return {order_.data() + first, std::min(options_.batch_size, order_.size() - first)};
}

BatchSampler::Range BatchSampler::next() {
    const Range range = peek();
    if (++state_.batch == batches()) { state_ = {state_.epoch + 1, 0}; }
    return range;
}

void BatchSampler::restore(LoaderState state) {
    if (state.batch >= batches()) {
        throw DataError(fmt::format("DataLoader: cannot resume at batch {}, expected 0 to {}", as_written(state.batch),
                                    batches() - 1));
    }
    state_ = state;
}

template <class T> void gather(const ImageDataset& dataset, BatchSampler::Range range, const Transforms& transforms,
                               Tensor<T>& images, Labels& labels, AugmentationCounter counter) {
    const Size2d image_size(dataset.height, dataset.width), size = output_size(transforms, image_size);
    require_shape("gather", "images", images.shape(), {range.count, 1, size.h, size.w});
    require_shape("gather", "labels", labels.shape(), {range.count});
    const bool augments = has_augmentation(transforms);
    const std::size_t pixels = size.h * size.w;
    std::vector<std::uint8_t> shown(augments ? pixels : 0);
    for (std::size_t b = 0; b < range.count; ++b) {
        const std::uint32_t n = range.first[b];
        if (b + 1 < range.count) { prefetch(dataset.image(range.first[b + 1]), dataset.height * dataset.width); }
        const std::uint8_t* image = dataset.image(n);
        if (augments) {
            counter.image = n;
            show(augmented_window(transforms, image_size, counter), image, dataset.width, size, shown.data());
            image = shown.data();
        }
        apply(transforms, image, pixels, images.data() + b * pixels);
        labels.data()[b] = dataset.labels[n];
    }
}

std::uint32_t checksum(const ImageDataset& dataset, std::size_t count, const Transforms& transforms) {
    uLong crc = crc32(0, nullptr, 0);
    const auto add = [&crc](const void* bytes, std::size_t size) {
        crc = crc32_z(crc, static_cast<const Bytef*>(bytes), size);
    };
    for (const std::uint64_t extent : {count, dataset.height, dataset.width}) { add(&extent, sizeof extent); }
    add(dataset.pixels.data(), count * dataset.height * dataset.width);
    add(dataset.labels.data(), count);
    const auto add_numbers = [&add](std::string_view name, std::initializer_list<double> numbers) {
        add(name.data(), name.size());
        for (const double number : numbers) { add(&number, sizeof number); }
    };
    const auto whole = [](std::size_t number) { return static_cast<double>(number); };
    for (const auto& transform : transforms) { // without ToTensor, which all have
        if (const auto* const normalize = std::get_if<Normalize>(&transform)) {
            add_numbers("", {normalize->mean, normalize->std}); // no name: older checkpoints have none
        } else if (const auto* const crop = std::get_if<RandomCrop>(&transform)) {
            add_numbers("RandomCrop",
                        {whole(crop->size.h), whole(crop->size.w), whole(crop->padding.h), whole(crop->padding.w)});
        } else if (const auto* const shift = std::get_if<RandomShift>(&transform)) {
            add_numbers("RandomShift", {whole(shift->pixels.h), whole(shift->pixels.w)});
        } else if (const auto* const flip = std::get_if<RandomHorizontalFlip>(&transform)) {
            add_numbers("RandomHorizontalFlip", {flip->p});
        }
    }
    return static_cast<std::uint32_t>(crc);
}

template void gather<float>(const ImageDataset&, BatchSampler::Range, const Transforms&, Tensor<float>&, Labels&,
                            AugmentationCounter);
template void gather<double>(const ImageDataset&, BatchSampler::Range, const Transforms&, Tensor<double>&, Labels&,
                             AugmentationCounter);

} // namespace handgrad::data
