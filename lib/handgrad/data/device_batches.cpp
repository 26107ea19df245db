#include "handgrad/data/device_batches.hpp"

#include <algorithm>
#include <numeric>

#include "handgrad/device/gather.hpp"

namespace handgrad::data {

template <class T> BatchSource<Device<T>>::BatchSource(const ImageDataset& dataset, const Transforms& transforms)
    : transforms_(transforms), image_size_(dataset.height, dataset.width), size_(output_size(transforms, image_size_)) {
    const std::size_t bytes = dataset.size() * dataset.height * dataset.width;
    bytes_.reserve(bytes);
    device::copy_to_device(dataset.image(0), bytes_.data(), bytes);

    handgrad::Labels labels(Shape{dataset.size()});
    std::copy(dataset.labels.begin(), dataset.labels.end(), labels.data());
    device::to_device(labels, labels_);

    std::uint8_t all[256];
    std::iota(std::begin(all), std::end(all), std::uint8_t(0));
    handgrad::Tensor<T> table(Shape{256});
    apply(transforms, all, 256, table.data());
    device::to_device(table, table_);
}

template <class T> void BatchSource<Device<T>>::start_epoch(const BatchSampler& sampler) {
    first_ = sampler.order().data();
    const std::size_t bytes = sampler.order().size() * sizeof(std::uint32_t);
    order_.reserve(bytes);
    device::copy_to_device(first_, order_.data(), bytes);
    if (!has_augmentation(transforms_)) { return; }
    std::vector<ImageWindow> windows;
    windows.reserve(sampler.order().size());
    AugmentationCounter counter = sampler.augmentation();
    for (const std::uint32_t n : sampler.order()) {
        counter.image = n;
        windows.push_back(augmented_window(transforms_, image_size_, counter));
    }
    windows_.reserve(windows.size() * sizeof(ImageWindow));
    device::copy_to_device(windows.data(), windows_.data(), windows.size() * sizeof(ImageWindow));
}

template <class T>
void BatchSource<Device<T>>::load(BatchSampler::Range range, device::Tensor<T>& images, device::Labels& labels) const {
    const auto* order = static_cast<const std::uint32_t*>(order_.data()) + (range.first - first_);
    const auto* bytes = static_cast<const std::uint8_t*>(bytes_.data());
    const device::Batch<T> batch{order, range.count, images.data(), labels.data()};
    if (has_augmentation(transforms_)) {
        const auto* windows = static_cast<const ImageWindow*>(windows_.data()) + (range.first - first_);
        device::gather(bytes, image_size_, labels_.data(), windows, size_, table_.data(), batch);
    } else {
        device::gather(bytes, size_.h * size_.w, labels_.data(), table_.data(), batch);
    }
}

template class BatchSource<Device<float>>;
template class BatchSource<Device<double>>;

} // namespace handgrad::data
