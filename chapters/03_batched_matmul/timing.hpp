#pragma once
// How long something takes, and how fast it could be.

#include <algorithm>
#include <cstddef>
#include <ctime>

#include "registers.hpp"

// The seconds that one call of f takes. A clock cannot time a microsecond, so we time many calls
// together. Other programs get in the way, so we measure processor time and not the time that
// passes on the wall. We repeat the measurement and keep the shortest time, which was disturbed
// least. The first call only warms up the caches.
template <class F> double seconds_per_call(const F& f, double budget = 0.04) {
    const auto time = [&](std::size_t calls) {
        const std::clock_t start = std::clock();
        for (std::size_t call = 0; call < calls; ++call) { f(); }
        return double(std::clock() - start) / CLOCKS_PER_SEC;
    };
    const double first = time(1);
    if (first > budget) { return first; } // a long call is timed once
    const double wanted = 0.002 / std::max(first, 1e-7);
    const auto calls = static_cast<std::size_t>(std::max(1.0, wanted));
    double spent = first, best = first;
    while (spent < budget) {
        const double seconds = time(calls);
        spent += seconds;
        best = std::min(best, seconds / static_cast<double>(calls));
    }
    return best;
}

// ### The peak
//
// `Chains` sums, each in a register of its own; every step adds x y to each of them. Nothing is
// loaded or stored, so this is as fast as the arithmetic units can be, provided that there are
// enough sums: a fused multiply-add takes a few cycles, and the next one of the same chain has to
// wait for it.
//
// Returns operations per second, counting two for each lane: a multiplication and an addition.
template <class T, std::size_t Chains> double multiply_add_rate() {
    constexpr std::size_t steps = 4096;
    // Volatile: for all that the compiler knows, the number may be anything. The sink is written at
    // the end; otherwise the compiler would leave out the whole loop.
    volatile T number = T(0.5), sink = T(0);
    const Vec<T> x(number), y(number);
    const double seconds = seconds_per_call([&] {
        Vec<T> sum[Chains];
        for (auto& s : sum) { s = Vec<T>(number); }
        for (std::size_t step = 0; step < steps; ++step) {
            for (auto& s : sum) { s = multiply_add(x, y, s); }
        }
        for (const auto& s : sum) { sink = s.get(0); }
    });
    return 2.0 * static_cast<double>(lanes<T> * Chains * steps) / seconds;
}
