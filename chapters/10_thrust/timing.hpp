#pragma once
// How long something takes, by the clock on the wall: threads and GPUs do not show in the processor's time.

#include <algorithm>
#include <chrono>
#include <cstddef>

// Seconds that one call of f takes; `wait` returns when all that was started is done. Many calls are timed together and
// waited for once, as in a training step, where nobody waits after each kernel. The shortest of several such times was
// disturbed least. The first call is for warming up.
template <class F, class Wait> double seconds_per_call(const F& f, const Wait& wait, double budget = 0.04) {
    const auto time = [&](std::size_t calls) {
        const auto start = std::chrono::steady_clock::now();
        for (std::size_t i = 0; i < calls; ++i) { f(); }
        wait();
        return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    };
    time(1);
    const double first = std::min(time(1), time(1));
    if (first > budget) { return first; } // what takes long is timed twice
    const auto calls = static_cast<std::size_t>(std::max(1.0, 0.004 / std::max(first, 1e-7)));
    double spent = 0, best = first;
    while (spent < budget) {
        const double seconds = time(calls);
        spent += seconds;
        best = std::min(best, seconds / static_cast<double>(calls));
    }
    return best;
}
