#pragma once
/// @file
/// Schedulers: learning rates that change as training goes on. Call step() after the optimiser's steps: once an epoch, or,
/// for a schedule that counts in mini-batches, once a mini-batch. A scheduler changes the learning rate of every group by
/// the same factor.
///
/// The optimiser stores the learning rates. To resume a run, make the optimiser and the scheduler as at its start, then
/// restore the optimiser and call the scheduler's restore(), if it has one, with the number of its steps so far.

#include <cstddef>
#include <functional>
#include <vector>

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

/// Sets every learning rate to the one that the optimiser had when the scheduler was made, times a function of the number
/// of steps; at once for step 0, then after every step. torch.optim.lr_scheduler.LambdaLR. The schedules below are such
/// functions.
class LambdaLR {
public:
    using Factor = std::function<double(std::size_t)>; ///< factor after a number of steps, finite and at least 0
    /// @param optimizer the optimiser whose learning rates change; must outlive the scheduler
    /// @param factor the schedule
    /// @throws std::invalid_argument, here and in step(), for a factor below 0 or not finite
    LambdaLR(LearningRates& optimizer, Factor factor);
    void step();                                        ///< ends an epoch or a mini-batch
    std::size_t steps() const { return steps_; }        ///< number of steps so far
    void restore(std::size_t steps) { steps_ = steps; } ///< sets that number; the learning rates stay as they are

private:
    void set_rates();

    LearningRates& optimizer_;
    Factor factor_;
    std::vector<double> base_;
    std::size_t steps_ = 0;
};

/// The factor of warm-up and cosine: with t the number of steps, w = warmup and T = total,
/// \f$ (t + 1) / (w + 1) \f$ for t < w; then \f$ m + (1 - m) \frac12 \left(1 + \cos \pi \frac{t - w}{T - w}\right) \f$
/// until t = T, and m after that. Without warm-up it is torch.optim.lr_scheduler.CosineAnnealingLR with T_max = T and
/// eta_min = m lr. Source: I. Loshchilov, F. Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts", 2017, and
/// the warm-up of nanoGPT.
/// @param warmup number of steps with a rising learning rate, less than `total`
/// @param total number of steps until the learning rate is smallest
/// @param least m, the smallest factor, from 0 to 1
/// @throws std::invalid_argument for other values
LambdaLR::Factor warmup_cosine(std::size_t warmup, std::size_t total, double least = 0);

/// The factor of torch.optim.lr_scheduler.OneCycleLR with its cosine annealing, relative to max_lr, which the optimiser
/// must have as its learning rate (momentum is not cycled): it rises from 1 / div_factor to 1 in pct_start * total - 1
/// steps and falls to 1 / (div_factor * final_div_factor) in step total - 1, both along half a cosine. After that it
/// stays there. Source: L. Smith, N. Topin, "Super-Convergence", 2018; documentation of OneCycleLR.
/// @param total number of steps of the whole schedule, at least 2
/// @param pct_start share of the steps in which the learning rate rises, above 1 / total and below 1
/// @param div_factor, final_div_factor ratio of the largest to the first, and of the first to the last, at least 1
/// @throws std::invalid_argument for other values
LambdaLR::Factor one_cycle(std::size_t total, double pct_start = 0.3, double div_factor = 25,
                           double final_div_factor = 1e4);

} // namespace handgrad::optim
