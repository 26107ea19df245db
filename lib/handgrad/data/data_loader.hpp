#pragma once
/// @file
/// Mini-batches: a data set in random order, a few images at a time, as torch.utils.data.DataLoader gives them.
///
/// @snippet training.cpp data_loader

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "handgrad/data/mnist.hpp"
#include "handgrad/data/transforms.hpp"
#include "handgrad/tensor/tensor.hpp"

namespace handgrad::data {

/// How a DataLoader deals out its data set.
struct LoaderOptions {
    std::size_t batch_size = 64; ///< images in a batch; fewer in the last one, if they do not come out even
    bool shuffle = true;         ///< a new random order each epoch; otherwise the order of the data set
    bool drop_last = false;      ///< leave out the last batch if it is shorter than the others
    std::uint64_t seed = 0;      ///< of the random orders
    std::size_t limit = 0;       ///< use the first so many images only, if there are more; 0: all
};

/// How far a DataLoader has come: the batch that comes next, `batch` in epoch `epoch`, both counted from 0.
struct LoaderState {
    std::uint64_t epoch = 0; ///< passes over the data set that are over
    std::size_t batch = 0;   ///< batches of this pass that are over
};

/// Which images go into which batch: the part of a DataLoader that needs no image.
///
/// The order of an epoch is drawn from a stream of its own, number epoch + 1 of the seed; stream 0, which Random(seed)
/// starts, is left to the weights. So (epoch, batch) says all about where a run is, and a run resumed there sees exactly
/// the batches that it would have seen.
class BatchSampler {
public:
    /// @throws ShapeError if there is no image, batch_size is less than 1, limit is negative, or drop_last leaves
    ///         no batch
    BatchSampler(std::size_t dataset_size, const LoaderOptions& options);

    /// The number of images dealt out in an epoch, counting those that drop_last leaves out.
    std::size_t dataset_size() const { return order_.size(); }

    /// The number of batches in an epoch.
    std::size_t batches() const;

    /// Starts an epoch, or goes on within one after restore(). @returns the first batch to be taken
    std::size_t start_epoch();

    /// The images of a batch of the epoch that was started.
    struct Range {
        const std::uint32_t* first; ///< image numbers, one after another
        std::size_t count;          ///< B
    };
    /// Takes batch `batch`; state() then points behind it.
    Range take(std::size_t batch);

    /// The batch that comes next.
    LoaderState state() const { return state_; }

    /// Image numbers in the order of the epoch that was started.
    const std::vector<std::uint32_t>& order() const { return order_; }

    /// Makes the next start_epoch() go on at `state`. @throws DataError if an epoch has no such batch
    void restore(LoaderState state);

private:
    LoaderOptions options_;
    std::vector<std::uint32_t> order_;
    LoaderState state_;
    bool restored_ = false;
};

/// Copies images and labels into a batch.
/// @param dataset where from
/// @param range which images, B of them
/// @param transforms from bytes to numbers
/// @param images (B, 1, H, W), overwritten
/// @param labels (B), overwritten
template <class T> void gather(const ImageDataset& dataset, BatchSampler::Range range, const Transforms& transforms,
                               Tensor<T>& images, Labels& labels);

extern template void gather<float>(const ImageDataset&, BatchSampler::Range, const Transforms&, Tensor<float>&,
                                   Labels&);
extern template void gather<double>(const ImageDataset&, BatchSampler::Range, const Transforms&, Tensor<double>&,
                                    Labels&);

/// Where a DataLoader's batches come from: here from the host's memory, image by image. A backend with memory of its own
/// has a specialisation (device_batches.hpp).
template <class Backend> class BatchSource {
public:
    /// @param dataset must live as long @param transforms valid
    BatchSource(const ImageDataset& dataset, Transforms transforms)
        : dataset_(&dataset), transforms_(std::move(transforms)) {}

    /// Told at the start of an epoch in which order its images come.
    void start_epoch(const BatchSampler&) {}

    /// Fills a batch, whose tensors have their shapes: images `range` of the epoch's order.
    void load(BatchSampler::Range range, typename Backend::Tensor& images, typename Backend::Labels& labels) const {
        gather(*dataset_, range, transforms_, images, labels);
    }

private:
    const ImageDataset* dataset_;
    Transforms transforms_;
};

/// Deals out a data set in mini-batches. A range: each begin() starts a new epoch.
///
/// All batches are one Batch that is filled again and again: nothing is allocated after the first, and a batch is gone
/// when the next one is taken.
/// @tparam Backend whose tensors the batches are made of: Cpu<float>, Cpu<double>, Reference<double>
template <class Backend> class DataLoader {
public:
    using Tensor = typename Backend::Tensor; ///< type of the images
    using Labels = typename Backend::Labels; ///< type of what they show

    /// B images and what they show.
    struct Batch {
        Tensor images; ///< (B, 1, H, W)
        Labels labels; ///< (B)
    };

    /// @param dataset is not copied: it must live as long as the loader
    /// @param options batch size, shuffling, seed
    /// @param transforms from bytes to numbers
    /// @throws ShapeError for an empty data set, options that make no batch, or invalid transforms
    explicit DataLoader(const ImageDataset& dataset, const LoaderOptions& options = {},
                        const Transforms& transforms = {ToTensor{}})
        : dataset_(&dataset), sampler_(dataset.size(), options), source_(dataset, valid(transforms)) {
        const std::size_t most = std::min(options.batch_size, sampler_.dataset_size());
        resize(batch_.images, {most, 1, dataset.height, dataset.width});
        resize(batch_.labels, {most});
        watch(batch_.images); // the first time allocates a counter; a batch must not
        watch(batch_.labels);
    }
    DataLoader(ImageDataset&&, const LoaderOptions& = {}, const Transforms& = {}) = delete;

    /// The number of batches in an epoch.
    std::size_t size() const { return sampler_.batches(); }

    /// The number of images, at most `limit`.
    std::size_t dataset_size() const { return sampler_.dataset_size(); }

    /// Where the loader is: inside a loop the batch after the one at hand, between epochs the next epoch's first.
    LoaderState state() const { return sampler_.state(); }

    /// Makes the next loop go on at `state`, taken from a loader of the same data set and options: with the batches
    /// that come there, to the end of the epoch. @throws DataError if an epoch has no such batch
    void restore(LoaderState state) { sampler_.restore(state); }

    /// Where a range-based for loop ends.
    struct End {};

    /// Takes one batch after another. Input iterator: all of a loader's iterators share its one Batch.
    class Iterator {
    public:
        /// At a batch, which it takes.
        Iterator(DataLoader& loader, std::size_t batch) : loader_(&loader), next_(batch) { take(); }
        const Batch& operator*() const { return loader_->batch_; }   ///< the batch at hand
        const Batch* operator->() const { return &loader_->batch_; } ///< the batch at hand
        /// Takes the next batch, if there is one.
        Iterator& operator++() {
            ++next_;
            take();
            return *this;
        }
        /// Whether there is a batch at hand.
        bool operator!=(End) const { return next_ < loader_->size(); }

    private:
        void take() {
            if (next_ < loader_->size()) { loader_->load(next_); }
        }
        DataLoader* loader_;
        std::size_t next_;
    };

    /// Starts an epoch, in a new order if shuffling, and takes its first batch.
    Iterator begin() {
        const std::size_t first = sampler_.start_epoch();
        source_.start_epoch(sampler_);
        return Iterator(*this, first);
    }
    End end() const { return {}; } ///< the end of the epoch

private:
    void load(std::size_t batch) {
        const BatchSampler::Range range = sampler_.take(batch);
        resize(batch_.images, {range.count, 1, dataset_->height, dataset_->width});
        resize(batch_.labels, {range.count});
        source_.load(range, batch_.images, batch_.labels);
    }
    static const Transforms& valid(const Transforms& transforms) {
        require_valid(transforms);
        return transforms;
    }

    const ImageDataset* dataset_;
    BatchSampler sampler_;
    BatchSource<Backend> source_;
    Batch batch_;
};

} // namespace handgrad::data

#include "handgrad/data/device_batches.hpp" // IWYU pragma: export
