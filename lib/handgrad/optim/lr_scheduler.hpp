#pragma once
/// @file
/// Step sizes that shrink as training goes on. Call step() once an epoch, after the optimiser's steps.
///
/// The step size itself is the optimiser's. So a run goes on with SGD::restore() and, for StepLR, restore().

#include <cstddef>

#include "handgrad/optim/optimizer.hpp"

namespace handgrad::optim {

/// After every epoch: lr = gamma lr. torch.optim.lr_scheduler.ExponentialLR.
class ExponentialLR {
public:
    /// @param optimizer whose lr is changed; must outlive this
    /// @param gamma factor per epoch, positive and finite
    /// @throws std::invalid_argument for another gamma
    ExponentialLR(Optimizer& optimizer, double gamma);
    void step(); ///< an epoch is over

private:
    Optimizer& optimizer_;
    double gamma_;
};

/// After every `step_size` epochs: lr = gamma lr. torch.optim.lr_scheduler.StepLR.
class StepLR {
public:
    /// @param optimizer whose lr is changed; must outlive this
    /// @param step_size epochs between two changes, at least 1
    /// @param gamma factor, positive and finite
    /// @throws std::invalid_argument for other values
    StepLR(Optimizer& optimizer, std::size_t step_size, double gamma = 0.1);
    void step();                                                    ///< an epoch is over
    std::size_t epoch() const { return epoch_; }                    ///< how many epochs are over
    void restore(std::size_t epochs_over) { epoch_ = epochs_over; } ///< as if so many were; lr stays as it is

private:
    Optimizer& optimizer_;
    std::size_t step_size_;
    double gamma_;
    std::size_t epoch_ = 0;
};

} // namespace handgrad::optim
