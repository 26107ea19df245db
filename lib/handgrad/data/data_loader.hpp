#pragma once
/// @file
/// Mini-batches of a data set in random order, as torch.utils.data.DataLoader.
///
/// @snippet training.cpp data_loader

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "handgrad/data/loader.hpp"
#include "handgrad/data/mnist.hpp"
#include "handgrad/data/transforms.hpp"
#include "handgrad/tensor/tensor.hpp"

namespace handgrad::data {

/// The options of a DataLoader.
struct LoaderOptions {
    std::size_t batch_size = 64; ///< number of images in a batch; the last batch may be smaller
    bool shuffle = true;         ///< whether each epoch has a new random order; otherwise the order of the data set
    bool drop_last = false;      ///< whether to leave out the last batch if it is smaller than the others
    std::uint64_t seed = 0;      ///< seed of the random orders and of data augmentation
    std::size_t limit = 0;       ///< maximum number of images, the first ones of the data set; 0: all
};

/// Chooses the images of each batch, by their indices in the data set.
///
/// Each epoch draws its order from a stream of its own, number epoch + 1 of the seed; stream 0, which Random(seed)
/// starts, is for the weights. The state alone therefore determines the batches, and a resumed run sees the batches of
/// an uninterrupted run.
class BatchSampler {
public:
    /// @throws ShapeError if there is no image, batch_size is less than 1, limit is negative, or drop_last leaves
    ///         no batch
    BatchSampler(std::size_t dataset_size, const LoaderOptions& options);

    /// The number of images in an epoch, including those that drop_last leaves out.
    std::size_t dataset_size() const { return order_.size(); }

    /// The number of batches in an epoch.
    std::size_t batches() const;

    /// The position: the batch that comes next.
    LoaderState state() const { return state_; }

    /// Moves to a position. @throws DataError if an epoch has no such batch
    void restore(LoaderState state);

    /// The images of a batch.
    struct Range {
        const std::uint32_t* first; ///< indices of the images, one after another
        std::size_t count;          ///< number of images, B
    };
    /// Returns the batch that comes next. The first call in an epoch draws the order of the epoch.
    Range peek();
    /// Returns the batch that comes next, and advances state() by one batch.
    Range next();

    /// The indices of all images in the order of epoch(), the epoch of the last peek() or next().
    const std::vector<std::uint32_t>& order() const { return order_; }
    std::optional<std::uint64_t> epoch() const { return epoch_; } ///< see order(); empty before the first
    /// What the random steps of that epoch's images are drawn from, but for the number of the image.
    AugmentationCounter augmentation() const {
        return {options_.seed, static_cast<std::uint32_t>(epoch_.value_or(0)), 0};
    }

private:
    LoaderOptions options_;
    std::vector<std::uint32_t> order_;
    std::optional<std::uint64_t> epoch_;
    LoaderState state_;
};

/// Copies images and labels into a batch.
/// @param dataset source of the images
/// @param range indices of the B images
/// @param transforms steps from bytes to numbers
/// @param images (B, 1, H, W), overwritten; H, W is output_size() of the transforms
/// @param labels (B), overwritten
/// @param counter seed and epoch of the random steps; the number of the image is not used
template <class T> void gather(const ImageDataset& dataset, BatchSampler::Range range, const Transforms& transforms,
                               Tensor<T>& images, Labels& labels, AugmentationCounter counter = {});

extern template void gather<float>(const ImageDataset&, BatchSampler::Range, const Transforms&, Tensor<float>&, Labels&,
                                   AugmentationCounter);
extern template void gather<double>(const ImageDataset&, BatchSampler::Range, const Transforms&, Tensor<double>&,
                                    Labels&, AugmentationCounter);

/// Returns the CRC-32 of the first `count` images, their labels, height and width, and the transforms. Another image,
/// label, order or transform changes it with a probability of 1 - 2^-32, and always if all changes are within 32 bits.
std::uint32_t checksum(const ImageDataset& dataset, std::size_t count, const Transforms& transforms);

/// The source of a DataLoader's batches: here the host's memory, image by image. A backend with its own memory has a
/// specialisation (device_batches.hpp).
template <class Backend> class BatchSource {
public:
    /// @param dataset must outlive the source @param transforms valid steps
    BatchSource(const ImageDataset& dataset, Transforms transforms)
        : dataset_(&dataset), transforms_(std::move(transforms)) {}

    /// Called before the first batch of an epoch, when the sampler holds the order of that epoch.
    void start_epoch(const BatchSampler& sampler) { augmentation_ = sampler.augmentation(); }

    /// Fills a batch with the images of `range`. The tensors already have their shapes.
    void load(BatchSampler::Range range, typename Backend::Tensor& images, typename Backend::Labels& labels) const {
        gather(*dataset_, range, transforms_, images, labels, augmentation_);
    }

private:
    const ImageDataset* dataset_;
    Transforms transforms_;
    AugmentationCounter augmentation_; // of the epoch
};

/// B images and their labels.
template <class Backend> struct ImageBatch {
    typename Backend::Tensor images; ///< (B, 1, H, W)
    typename Backend::Labels labels; ///< (B)
};

/// Serves a data set in mini-batches: one at a time by next(), or in a range-based for loop.
///
/// All batches share one ImageBatch: nothing is allocated after the first batch, and the next batch overwrites it.
/// @tparam Backend whose tensors the batches consist of: Cpu<float>, Cpu<double>, Reference<double>
template <class Backend> class DataLoader : public Loader {
public:
    using Tensor = typename Backend::Tensor; ///< type of the images
    using Labels = typename Backend::Labels; ///< type of the labels
    using Batch = ImageBatch<Backend>;       ///< images and labels

    /// @param dataset images and labels; not copied, must outlive the loader
    /// @param options batch size, shuffling, seed
    /// @param transforms steps from bytes to numbers
    /// @throws ShapeError for an empty data set, options that give no batch, or invalid transforms
    explicit DataLoader(const ImageDataset& dataset, const LoaderOptions& options = {},
                        const Transforms& transforms = {ToTensor{}})
        : dataset_(&dataset), transforms_(valid(transforms, dataset)), sampler_(dataset.size(), options),
          source_(dataset, transforms_), size_(output_size(transforms_, {dataset.height, dataset.width})) {
        const std::size_t most = std::min(options.batch_size, sampler_.dataset_size());
        resize(batch_.images, {most, 1, size_.h, size_.w});
        resize(batch_.labels, {most});
        watch(batch_.images); // the first time allocates a counter; a batch must not
        watch(batch_.labels);
    }
    DataLoader(ImageDataset&&, const LoaderOptions& = {}, const Transforms& = {}) = delete;

    std::size_t size() const override { return sampler_.batches(); }
    std::size_t dataset_size() const override { return sampler_.dataset_size(); } ///< number of images, at most `limit`
    /// The CRC-32 of the images that are served, of their labels, and of the transforms; computed at the first call.
    std::uint32_t checksum() const override {
        if (!checksum_) { checksum_ = data::checksum(*dataset_, dataset_size(), transforms_); }
        return *checksum_;
    }
    LoaderState state() const override { return sampler_.state(); }
    void restore(LoaderState state) override {
        sampler_.restore(state);
        in_loop_ = false;
    }

    /// Returns the batch that comes next, and leaves state() alone: next() returns the same batch.
    const Batch& peek() { return load(sampler_.peek()); }
    /// Returns the batch that comes next, and advances state() by one batch: after the last batch, to the next epoch.
    const Batch& next() { return load(sampler_.next()); }

    /// The end of a range-based for loop.
    struct End {};

    /// An input iterator over the batches. All iterators of a loader share its one batch.
    class Iterator {
    public:
        /// Takes the first of `left` batches.
        Iterator(DataLoader& loader, std::size_t left) : loader_(&loader), left_(left) { loader_->next(); }
        const Batch& operator*() const { return loader_->batch_; }   ///< the current batch
        const Batch* operator->() const { return &loader_->batch_; } ///< the current batch
        /// Takes the next batch, if there is one.
        Iterator& operator++() {
            loader_->in_loop_ = --left_ > 0;
            if (left_ > 0) { loader_->next(); }
            return *this;
        }
        /// Whether there is a current batch.
        bool operator!=(End) const { return left_ > 0; }

    private:
        DataLoader* loader_;
        std::size_t left_;
    };

    /// Begins a loop from state() to the end of the epoch, and takes the first batch. If a break ended the previous
    /// loop, the rest of its epoch is skipped, as in PyTorch.
    Iterator begin() {
        if (in_loop_ && state().batch != 0) { sampler_.restore({state().epoch + 1, 0}); }
        in_loop_ = true;
        return Iterator(*this, size() - state().batch);
    }
    End end() const { return {}; } ///< the end of the epoch

private:
    const Batch& load(BatchSampler::Range range) {
        if (sampler_.epoch() != epoch_) {
            source_.start_epoch(sampler_);
            epoch_ = sampler_.epoch();
        }
        resize(batch_.images, {range.count, 1, size_.h, size_.w});
        resize(batch_.labels, {range.count});
        source_.load(range, batch_.images, batch_.labels);
        return batch_;
    }
    static const Transforms& valid(const Transforms& transforms, const ImageDataset& dataset) {
        require_valid(transforms);
        if (dataset.size() > 0) { require_valid(transforms, {dataset.height, dataset.width}); }
        return transforms;
    }

    const ImageDataset* dataset_;
    Transforms transforms_;
    BatchSampler sampler_;
    BatchSource<Backend> source_;
    Size2d size_; // H, W of a batch's images
    mutable std::optional<std::uint32_t> checksum_;
    std::optional<std::uint64_t> epoch_; // the epoch whose order source_ has
    Batch batch_;
    bool in_loop_ = false; // a range-based for loop has begun and has not reached its end
};

} // namespace handgrad::data

#include "handgrad/data/device_batches.hpp" // IWYU pragma: export
