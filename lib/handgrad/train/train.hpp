#pragma once
/// @file
/// The training loop: one epoch over the training data, one over the test data, and a record of what happened. For the
/// backends Cpu, Device and Reference, each of float and of double.

#include <cstddef>
#include <functional>
#include <vector>

#include "handgrad/data/data_loader.hpp"
#include "handgrad/nn/module.hpp"
#include "handgrad/ops/cross_entropy/layer.hpp"
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

/// What one pass over a data set gave, or as much of it as was made.
struct EpochResult {
    double loss = 0;          ///< mean over the examples
    std::size_t correct = 0;  ///< how many examples had their largest score at their label
    std::size_t examples = 0; ///< how many there were
    std::size_t batches = 0;  ///< in how many batches
    double loss_sum = 0;      ///< of all examples: from the mean it could not be had to the last bit
    /// The fraction that was correct, 0 for no examples.
    double accuracy() const { return examples ? static_cast<double>(correct) / static_cast<double>(examples) : 0; }
};

/// Told after each batch how many batches of the epoch are done, and of how many.
using OnBatch = std::function<void(std::size_t done, std::size_t of)>;

/// Asked after each batch, the last one excepted, whether to stop there: app::interrupted, for example.
using Stop = std::function<bool()>;

/// Trains for one epoch, a step a batch: zero the gradients, forward, loss, backward, step.
///
/// An epoch that `stop` ended, which is seen by result.batches < loader.size(), goes on in another call that is given
/// the result: the loader stands at the batch that comes next, here or restored in another process (checkpoint.hpp).
/// Parameters, history and the whole epoch's result are then those of an epoch without a stop, bit for bit.
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
/// @param stop asked after every batch but the last, after on_batch; may be empty
/// @param so_far the result of the call before: counted in if that call was stopped, otherwise ignored
/// @return mean loss and number correct over the epoch, each example as it was met; those of so_far included
/// @throws DivergenceError at the first loss that is not finite, before that step is taken
/// @throws std::invalid_argument if log_interval is less than 1, epoch is negative, or so_far ends at another batch than
///         the loader goes on with
template <class Backend> EpochResult train_one_epoch(data::DataLoader<Backend>& loader, nn::Module<Backend>& model,
                                                     nn::CrossEntropyLoss<Backend>& criterion,
                                                     optim::Optimizer<Backend>& optimizer, std::size_t log_interval,
                                                     std::size_t epoch, History& history, const OnBatch& on_batch = {},
                                                     const Stop& stop = {}, const EpochResult& so_far = {});

/// Runs the model over the test data without learning, and returns mean loss and number correct.
/// @param loader the test data
/// @param model in evaluation mode afterwards
/// @param criterion the loss
template <class Backend> EpochResult test_one_epoch(data::DataLoader<Backend>& loader, nn::Module<Backend>& model,
                                                    nn::CrossEntropyLoss<Backend>& criterion);

} // namespace handgrad::train
