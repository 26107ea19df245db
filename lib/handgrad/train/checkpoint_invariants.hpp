#pragma once
// What holds for the numbers of every run. A checkpoint is checked when it is written and when it is read.

#include <cstddef>

#include "handgrad/data/loader.hpp"
#include "handgrad/train/train.hpp"

namespace handgrad::train {

/// The limits that tasks and data set for the numbers of a run.
struct RunLimits {
    std::size_t batches;       ///< number of batches in an epoch
    std::size_t examples;      ///< number of examples in an epoch
    std::size_t test_examples; ///< number of examples in a test; 0 if the run has no tests
    double lower_bound;        ///< lower bound of a training loss
    double test_lower_bound;   ///< lower bound of a test loss
};

/// Throws DataError for the first number that no run within these limits can have, in the words of a checkpoint:
/// "tensor 'epoch.counts' holds 321 correct answers, expected 0 to 320". Accepts NaN, which CheckpointFile refuses.
void require_possible(const data::LoaderState& next, const EpochResult& epoch, const History& history,
                      const RunLimits& limits);

} // namespace handgrad::train
