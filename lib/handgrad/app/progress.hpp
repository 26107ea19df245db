#pragma once
/// @file
/// A progress bar for training, on stderr, and only where that is a terminal.

#include <chrono>
#include <cstddef>
#include <string>

namespace handgrad::app {

/// One bar over all epochs:
/// `epoch 4/10 [#####...........]  35 %  2.1 s/epoch  28600 examples/s  14 s left`.
///
/// It belongs to stderr, so that stdout stays the lesson. The bar is wiped before the program prints: call
/// end_epoch() first, then print the epoch's line.
class Progress {
public:
    /// @param epochs   how many there will be.
    /// @param examples how many an epoch shows; the rate is in these.
    Progress(std::size_t epochs, std::size_t examples);
    /// Wipes the bar.
    ~Progress();
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;

    /// Redraws the bar, ten times a second at most. `seen` counts the examples of this epoch so far.
    void update(std::size_t seen);

    /// Wipes the bar and returns the seconds that the epoch took.
    double end_epoch();

private:
    using Clock = std::chrono::steady_clock;
    void wipe();

    std::size_t epochs_, examples_, epoch_ = 0;
    bool terminal_, drawn_ = false;
    Clock::time_point start_, epoch_start_, last_drawn_;
};

/// What the bar shows after `seconds`, when `done` of epochs * examples examples have been seen.
/// At most 79 characters; without a line end.
std::string progress_line(std::size_t epochs, std::size_t examples, std::size_t done, double seconds);

} // namespace handgrad::app
