#pragma once
/// @file
/// The training loop: one epoch over the training data, one over the test data, and a record of what happened.

#include <cstddef>
#include <functional>
#include <vector>

#include "handgrad/data/data_loader.hpp"
#include "handgrad/nn/cross_entropy_loss.hpp"
#include "handgrad/nn/module.hpp"
#include "handgrad/optim/optimizer.hpp"

namespace handgrad::train {

/// What a training run leaves behind, for figures and files. Losses are in nats.
struct History {
    std::vector<double> train_losses;        ///< the loss of every `log_interval`-th batch
    std::vector<std::size_t> train_examples; ///< how many examples had been seen then, that batch included
    std::vector<double> test_losses;         ///< the mean loss of every test epoch
    std::vector<std::size_t> test_examples;  ///< how many training examples had been seen then
    std::vector<std::size_t> test_correct;   ///< how many test examples were classified correctly
};

/// What one pass over a data set gave.
struct EpochResult {
    double loss = 0;          ///< mean over the examples
    std::size_t correct = 0;  ///< how many examples had their largest score at their label
    std::size_t examples = 0; ///< how many there were
    double accuracy() const { return examples ? static_cast<double>(correct) / static_cast<double>(examples) : 0; }
};

/// Told after each batch how many batches of the epoch are done, and of how many.
using OnBatch = std::function<void(std::size_t done, std::size_t of)>;

/// Trains for one epoch, a step a batch: zero the gradients, forward, loss, backward, step.
///
/// Every `log_interval` batches, the first included, the batch's loss goes into the history together with the number
/// of examples seen: i batch_size + this batch's size + epoch dataset_size for batch i.
/// @param loader the training data
/// @param model in training mode afterwards
/// @param criterion the loss
/// @param optimizer over the model's parameters
/// @param log_interval batches between two entries of the history, at least 1
/// @param epoch the epoch's number, from 0
/// @param history added to
/// @param on_batch called after every batch; may be empty
/// @return mean loss and number correct over the epoch, each example as it was met
/// @throws DivergenceError at the first loss that is not finite, before that step is taken
template <class Backend> EpochResult train_one_epoch(data::DataLoader<Backend>& loader, nn::Module<Backend>& model,
                                                     nn::CrossEntropyLoss<Backend>& criterion,
                                                     optim::Optimizer& optimizer, std::size_t log_interval,
                                                     std::size_t epoch, History& history, const OnBatch& on_batch = {});

/// Runs the model over the test data without learning, and returns mean loss and number correct.
/// @param loader the test data
/// @param model in evaluation mode afterwards
/// @param criterion the loss
template <class Backend> EpochResult test_one_epoch(data::DataLoader<Backend>& loader, nn::Module<Backend>& model,
                                                    nn::CrossEntropyLoss<Backend>& criterion);

} // namespace handgrad::train
