#pragma once
/// @file
/// Schedulers: learning rates that shrink as training goes on. Call step() once an epoch, after the optimiser's steps.
/// A scheduler changes the learning rate of every group by the same factor.
///
/// The optimiser stores the learning rates. To resume a run, restore the optimiser and, for StepLR, call restore().

#include <cstddef>

#include "handgrad/optim/optimizer.hpp"

namespace handgrad::optim {

/// Multiplies every learning rate by gamma after every epoch. torch.optim.lr_scheduler.ExponentialLR.
class ExponentialLR {
public:
    /// @param optimizer the optimiser whose learning rates change; must outlive the scheduler
    /// @param gamma factor per epoch, positive and finite
    /// @throws std::invalid_argument for another gamma
    ExponentialLR(LearningRates& optimizer, double gamma);
    void step(); ///< ends an epoch

private:
    LearningRates& optimizer_;
    double gamma_;
};

/// Multiplies every learning rate by gamma after every `step_size` epochs. torch.optim.lr_scheduler.StepLR.
class StepLR {
public:
    /// @param optimizer the optimiser whose learning rates change; must outlive the scheduler
    /// @param step_size number of epochs between two changes, at least 1
    /// @param gamma factor, positive and finite
    /// @throws std::invalid_argument for other values
    StepLR(LearningRates& optimizer, std::size_t step_size, double gamma = 0.1);
    void step();                                        ///< ends an epoch
    std::size_t epoch() const { return epoch_; }        ///< number of epochs that have ended
    void restore(std::size_t epoch) { epoch_ = epoch; } ///< sets that number; the learning rates stay as they are

private:
    LearningRates& optimizer_;
    std::size_t step_size_;
    double gamma_;
    std::size_t epoch_ = 0;
};

} // namespace handgrad::optim
