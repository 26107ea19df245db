#include "handgrad/data/device_batches.hpp"

#include <algorithm>
#include <numeric>

#include "handgrad/device/gather.hpp"

namespace handgrad::data {

template <class T> BatchSource<Device<T>>::BatchSource(const ImageDataset& dataset, const Transforms& transforms)
    : pixels_(dataset.height * dataset.width) {
    const std::size_t bytes = dataset.size() * pixels_;
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
}

template <class T>
void BatchSource<Device<T>>::load(BatchSampler::Range range, device::Tensor<T>& images, device::Labels& labels) const {
    const auto* order = static_cast<const std::uint32_t*>(order_.data()) + (range.first - first_);
    device::gather(static_cast<const std::uint8_t*>(bytes_.data()), labels_.data(), order, range.count, pixels_,
                   table_.data(), images.data(), labels.data());
}

template class BatchSource<Device<float>>;
template class BatchSource<Device<double>>;

} // namespace handgrad::data
