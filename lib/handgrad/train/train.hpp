#pragma once
/// @file
/// The training loop: one epoch over the training data, one over the test data, and a record of what happened. For the
/// backends Cpu, Device and Reference, each of float and of double.

#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "handgrad/optim/optimizer.hpp"
#include "handgrad/tensor/random.hpp"
#include "handgrad/train/tally.hpp"
#include "handgrad/train/task.hpp"

namespace handgrad::train {

/// The record of a training run, for figures and files. Losses are in nats.
struct History {
    std::vector<double> train_losses;        ///< loss of every `log_interval`-th batch
    std::vector<std::size_t> train_examples; ///< number of training examples seen by then, that batch included
    std::vector<double> test_losses;         ///< mean loss of every test epoch
    std::vector<std::size_t> test_examples;  ///< number of training examples seen by then
    std::vector<std::size_t> test_correct;   ///< number of test examples that were classified correctly

    /// Adds the result of a test epoch, after which `examples_seen` training examples had been seen.
    void add_test(const EpochResult& result, std::size_t examples_seen) {
        test_losses.push_back(result.loss);
        test_examples.push_back(examples_seen);
        test_correct.push_back(result.correct);
    }
};

/// A training run: everything that changes during training, and the options of the run. A checkpoint holds all of it.
template <class Backend> struct Run {
    Task<Backend>& task;                             ///< parameters and buffers of the model, position of the loader
    optim::Optimizer<Backend>& optimizer;            ///< optimiser of the model: learning rates and state
    std::map<std::string, std::string> options = {}; ///< options that a resumed run must share: {"--batch-size", "64"}
    const Task<Backend>* testing = nullptr;          ///< task of the tests, if the history is to have any
    Random* random = nullptr;                        ///< random stream that training draws from, if there is one
    History history = {};                            ///< record of the run
    EpochResult epoch = {};                          ///< result of the current epoch so far, or of the last epoch
};

/// Called after each batch with the number of batches done and the total.
using OnBatch = std::function<void(std::size_t done, std::size_t of)>;

/// Called after each batch but the last; returning true ends the epoch early. Example: app::interrupted.
using Stop = std::function<bool()>;

/// How an epoch is recorded and observed.
struct EpochSettings {
    std::size_t log_interval = 100; ///< number of batches between two history entries, at least 1
    OnBatch on_batch = {};          ///< may be empty
    Stop stop = {};                 ///< may be empty
};

/// Trains for one epoch, or for the rest of one. For each batch it sets the gradients to zero, computes the loss,
/// computes the gradients, and takes a step.
///
/// If `stop` returns true, the epoch ends early and result.batches < task.loader().size(). To continue, call again: the
/// loader already points to the next batch, in this process or after load_checkpoint(). Parameters, history and the
/// result of the whole epoch are then bit for bit those of an uninterrupted epoch.
///
/// Every `log_interval` batches, starting with the first, the batch's loss goes into the history together with the
/// number of examples seen: i batch_size + this batch's size + epoch dataset_size for batch i.
/// @param run its model is in training mode afterwards; run.epoch holds the result
/// @param settings how the epoch is recorded and observed
/// @return mean loss and number correct over the epoch, before a stop and after it; each example counts with the
///         parameters that its batch was trained with
/// @throws DivergenceError at the first loss that is not finite, before that step is taken
/// @throws std::invalid_argument if log_interval is less than 1, or the loader's next batch is not the one after
///         run.epoch
template <class Backend> EpochResult train_one_epoch(Run<Backend>& run, const EpochSettings& settings = {});

/// Runs the model over one epoch of a task's data without learning, and returns mean loss and number correct.
/// @param task its model is in evaluation mode afterwards
template <class Backend> EpochResult test_one_epoch(Task<Backend>& task);

} // namespace handgrad::train
