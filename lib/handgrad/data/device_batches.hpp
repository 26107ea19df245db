#pragma once
/// @file
/// Batches for the device backend: the data set goes to the device once, as bytes, and batches are made there.

#include "handgrad/backends/device.hpp"
#include "handgrad/data/data_loader.hpp"

namespace handgrad::data {

/// Batches out of a data set on the device. Each of the 256 bytes has been transformed beforehand, by the host: so the
/// pixels are the cpu backend's to the bit.
template <class T> class BatchSource<Device<T>> {
public:
    /// Copies the data set to the device.
    BatchSource(const ImageDataset& dataset, const Transforms& transforms);

    /// Copies the epoch's order to the device.
    void start_epoch(const BatchSampler& sampler);

    /// Fills a batch, whose tensors have their shapes, without the host having to wait or to send anything.
    void load(BatchSampler::Range range, device::Tensor<T>& images, device::Labels& labels) const;

private:
    std::size_t pixels_;
    device::Buffer bytes_, order_;
    device::Labels labels_;
    device::Tensor<T> table_;              // (256): what a byte stands for
    const std::uint32_t* first_ = nullptr; // of the sampler's order
};

extern template class BatchSource<Device<float>>;
extern template class BatchSource<Device<double>>;

} // namespace handgrad::data
