#include "handgrad/data/data_loader.hpp"

#include <numeric>
#include <variant>

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
                               Tensor<T>& images, Labels& labels) {
    require_shape("gather", "images", images.shape(), {range.count, 1, dataset.height, dataset.width});
    require_shape("gather", "labels", labels.shape(), {range.count});
    const std::size_t pixels = dataset.height * dataset.width;
    for (std::size_t b = 0; b < range.count; ++b) {
        const std::uint32_t n = range.first[b];
        if (b + 1 < range.count) { prefetch(dataset.image(range.first[b + 1]), pixels); }
        apply(transforms, dataset.image(n), pixels, images.data() + b * pixels);
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
    for (const auto& transform : transforms) {
        const auto* const normalize = std::get_if<Normalize>(&transform);
        if (normalize == nullptr) { continue; } // ToTensor, which always comes first
        for (const double number : {normalize->mean, normalize->std}) { add(&number, sizeof number); }
    }
    return static_cast<std::uint32_t>(crc);
}

template void gather<float>(const ImageDataset&, BatchSampler::Range, const Transforms&, Tensor<float>&, Labels&);
template void gather<double>(const ImageDataset&, BatchSampler::Range, const Transforms&, Tensor<double>&, Labels&);

} // namespace handgrad::data
