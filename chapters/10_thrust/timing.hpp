#pragma once
// Elapsed time. (The processor's time would not show the work of other threads and of GPUs.)

#include <algorithm>
#include <chrono>
#include <cstddef>

// Seconds that one call of f takes. `wait` returns when everything that was started is done. Many
// calls are timed together with one wait, as in a training step, which does not wait after each
// kernel either. Of several such times we take the shortest, which was disturbed least. The first
// call warms up.
template <class F, class Wait>
double seconds_per_call(const F& f, const Wait& wait, double budget = 0.04) {
    const auto time = [&](std::size_t calls) {
        const auto start = std::chrono::steady_clock::now();
        for (std::size_t i = 0; i < calls; ++i) { f(); }
        wait();
        return std::chrono::duration<double>(std::chrono::steady_clock::now() -
                                             start)
            .count();
    };
    time(1);
    const double first = std::min(time(1), time(1));
    if (first > budget) { return first; } // long calls: timed twice
    const auto calls =
        static_cast<std::size_t>(std::max(1.0, 0.004 / std::max(first, 1e-7)));
    double spent = 0, best = first;
    while (spent < budget) {
        const double seconds = time(calls);
        spent += seconds;
        best = std::min(best, seconds / static_cast<double>(calls));
    }
    return best;
}
