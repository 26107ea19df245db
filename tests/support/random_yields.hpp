#pragma once
// Threads that lose the processor at random places, the same sequence of decisions for the same seed.

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <vector>

namespace support {

// All accesses are relaxed: they must not order what the threads do, or ThreadSanitizer would miss a race.
inline std::atomic<std::uint64_t> yield_seed{0}, yield_threads{0}, hand_overs{0}, signal_at{0};

/// Lets the thread go on, yield, or sleep: mostly for microseconds, seldom for longer than the pool waits busily. Does
/// nothing while no RandomYields lives.
inline void yield_at_random() {
    constexpr auto relaxed = std::memory_order_relaxed;
    thread_local std::uint64_t seed = 0, state = 0;
    const std::uint64_t now = yield_seed.load(relaxed);
    if (now == 0) { return; }
    if (seed != now) {
        seed = now;
        state = now * 0x9E3779B97F4A7C15u + yield_threads.fetch_add(1, relaxed);
    }
    if (hand_overs.fetch_add(1, relaxed) + 1 == signal_at.load(relaxed)) { std::raise(SIGINT); }
    // SplitMix64: Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014
    std::uint64_t z = state += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    z ^= z >> 31;
    const std::uint64_t what = z % 64, more = z >> 32;
    if (what == 0) {
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
    } else if (what < 8) {
        std::this_thread::sleep_for(std::chrono::microseconds(1 + more % 50));
    } else if (what < 24) {
        for (std::uint64_t i = 0; i <= more % 8; ++i) { std::this_thread::yield(); }
    }
}

/// While it lives, threads yield at random wherever the pool of threads hands over to another one. There the
/// `signal`-th time, the thread that comes there is interrupted as by Ctrl-C; 0: never.
class RandomYields {
public:
    explicit RandomYields(std::uint64_t seed, std::uint64_t signal = 0) {
        hand_overs = 0;
        yield_threads = 0;
        signal_at = signal;
        yield_seed = seed;
    }
    ~RandomYields() { yield_seed = 0; }
    RandomYields(RandomYields&&) = delete;

    /// How often a thread was at such a place until now. Always 0 in a library without sanitizers.
    std::uint64_t count() const { return hand_overs; }
};

/// The seeds to try: `usual` ones from 1, or as many as HANDGRAD_TEST_CASES says, or the one in HANDGRAD_TEST_SEED.
inline std::vector<std::uint64_t> seeds(std::size_t usual) {
    if (const char* const one = std::getenv("HANDGRAD_TEST_SEED")) { return {std::strtoull(one, nullptr, 10)}; }
    const char* const wanted = std::getenv("HANDGRAD_TEST_CASES");
    std::vector<std::uint64_t> all(wanted == nullptr ? usual : std::strtoull(wanted, nullptr, 10));
    for (std::size_t i = 0; i < all.size(); ++i) { all[i] = i + 1; }
    return all;
}

/// Names the seed that is tried, before ThreadSanitizer may end the program or a thread may wait for ever.
inline void announce([[maybe_unused]] std::uint64_t seed) {
#ifdef HANDGRAD_SANITIZED
    std::fprintf(stderr, "seed %llu\n", static_cast<unsigned long long>(seed));
#endif
}

} // namespace support

// The library calls it where it is compiled with sanitizers (tensor/parallel_for.cpp).
extern "C" [[gnu::used]] inline void handgrad_hand_over() { support::yield_at_random(); }
