#pragma once
/// @file
/// Batches for the device backend. The data set is copied to the device once, as bytes; the device makes the batches.

#include "handgrad/backends/device.hpp"
#include "handgrad/data/data_loader.hpp"

namespace handgrad::data {

/// Makes batches from a data set on the device. The host transforms each of the 256 possible bytes beforehand, so that
/// the pixels are bit for bit those of the cpu backend. If there are random steps, the host draws the windows of an
/// epoch's images when the epoch begins.
template <class T> class BatchSource<Device<T>> {
public:
    /// Copies the data set to the device.
    BatchSource(const ImageDataset& dataset, const Transforms& transforms);

    /// Copies the epoch's order, and the windows of its images if there are random steps, to the device.
    void start_epoch(const BatchSampler& sampler);

    /// Fills a batch. The tensors already have their shapes. The host neither waits nor copies.
    void load(BatchSampler::Range range, device::Tensor<T>& images, device::Labels& labels) const;

private:
    Transforms transforms_;
    Size2d image_size_, size_; // H, W of the data set's images and of a batch's
    device::Buffer bytes_, order_, windows_;
    device::Labels labels_;
    device::Tensor<T> table_;              // (256): the number for each byte
    const std::uint32_t* first_ = nullptr; // first index of the sampler's order
};

extern template class BatchSource<Device<float>>;
extern template class BatchSource<Device<double>>;

} // namespace handgrad::data
