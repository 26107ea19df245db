#pragma once
/// @file
/// A progress bar for training.

#include <chrono>
#include <cstddef>
#include <string>

namespace handgrad::app {

/// One bar over all epochs, on stderr, drawn only if it is a terminal. Call end_epoch(), which erases the bar, before
/// printing the epoch's results: `epoch 4/10 [#####...........]  35 %  2.1 s/epoch  28600 examples/s  14 s left`.
class Progress {
public:
    /// A bar for a number of epochs and the number of examples in each of them.
    Progress(std::size_t epochs, std::size_t examples) : epochs_(epochs), examples_(examples) {}
    ~Progress() { erase(); }
    Progress(Progress&&) = delete;

    /// Redraws the bar, at most ten times a second. `seen` is the number of examples seen in this epoch.
    void update(std::size_t seen);
    /// Erases the bar and returns the seconds that the epoch took.
    double end_epoch();

private:
    using Clock = std::chrono::steady_clock;
    void erase();

    std::size_t epochs_, examples_, epoch_ = 0;
    bool drawn_ = false;
    Clock::time_point start_ = Clock::now(), epoch_start_ = start_, last_drawn_ = start_;
};

/// The bar after `seconds` in which `done` of epochs * examples examples were seen: at most 79 characters.
std::string progress_line(std::size_t epochs, std::size_t examples, std::size_t done, double seconds);

} // namespace handgrad::app
