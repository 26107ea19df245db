#pragma once
/// @file
/// Tasks: what the training loop needs to know about a model, its data and its loss.

#include <cstddef>
#include <limits>

#include "handgrad/data/data_loader.hpp"
#include "handgrad/data/loader.hpp"
#include "handgrad/nn/module.hpp"
#include "handgrad/ops/cross_entropy/layer.hpp"
#include "handgrad/train/tally.hpp"

namespace handgrad::train {

/// A task for the training loop: a model, a loader, and the loss of a batch.
///
/// A derived class defines the loss and the type of its batches: images and labels (Classification), sequences of
/// tokens, points of a curve. It takes the batches from a loader of its own type. The training loop and the checkpoint
/// see only this class and are therefore the same for all tasks.
template <class Backend> class Task {
public:
    /// @param model, loader must outlive the task
    Task(nn::Component<Backend>& model, data::Loader& loader) : model_(model), loader_(loader) {}
    virtual ~Task() = default;

    nn::Component<Backend>& model() const { return model_; } ///< the model that is trained
    data::Loader& loader() const { return loader_; }         ///< the loader, for its size and position

    /// Takes the next batch from the loader and computes its loss, the mean over its examples. Does not wait for a
    /// device.
    virtual void forward() = 0;
    /// Number of examples in the batch of the last forward(); those of an epoch are at most loader().dataset_size().
    virtual std::size_t examples() const = 0;
    virtual double loss() const = 0; ///< loss of that batch; waits for the device that computes it
    /// A lower bound of every loss. A checkpoint whose losses are below it is refused.
    virtual double lower_bound() const { return -std::numeric_limits<double>::infinity(); }
    /// Adds the gradient of that loss to the gradient of each parameter.
    virtual void backward() = 0;
    /// Adds that batch to the sums of the epoch.
    virtual void add_to(Tally<Backend>& tally) const { tally.add(loss(), examples()); }

private:
    nn::Component<Backend>& model_;
    data::Loader& loader_;
};

/// Classification of images: the softmax cross-entropy of the model's scores, and the number of correct answers.
template <class Backend> class Classification : public Task<Backend> {
public:
    /// @param model turns images (N, 1, H, W) into scores (N, K), without a softmax
    /// @param loader the images and their labels
    Classification(nn::Module<Backend>& model, data::DataLoader<Backend>& loader)
        : Task<Backend>(model, loader), model_(model), loader_(loader) {}

    void forward() override {
        batch_ = &loader_.next();
        scores_ = &model_(batch_->images);
        criterion_.compute(*scores_, batch_->labels);
    }
    std::size_t examples() const override { return batch_->labels.size(); }
    double loss() const override { return static_cast<double>(criterion_.item()); }
    double lower_bound() const override { return 0; } // no probability is above 1
    void backward() override { model_.backward(criterion_.backward(), nn::InputGradient::not_needed); }
    void add_to(Tally<Backend>& tally) const override { tally.add(criterion_, *scores_, batch_->labels); }

private:
    nn::Module<Backend>& model_;
    data::DataLoader<Backend>& loader_;
    nn::CrossEntropyLoss<Backend> criterion_;
    const data::ImageBatch<Backend>* batch_ = nullptr; // of the last forward()
    const typename Backend::Tensor* scores_ = nullptr; // of the last forward()
};

} // namespace handgrad::train
