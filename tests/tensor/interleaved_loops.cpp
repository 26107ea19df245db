// Loops on threads that yield at random, which ThreadSanitizer watches in tests/sanitizers/run thread.

#include <algorithm>
#include <stdexcept>
#include <thread>
#include <vector>

#include "../../lib/handgrad/tensor/parallel_for.hpp"
#include "catch.hpp"
#include "handgrad/tensor/random.hpp"
#include "support/random_yields.hpp"
#include "support/tensors.hpp"

using namespace handgrad;
using namespace support;

namespace {

#ifdef HANDGRAD_SANITIZED
constexpr std::size_t usual_seeds = 100;
#else
constexpr std::size_t usual_seeds = 10;
#endif

/// Runs a loop and returns whether every chunk was done once, or the exception of one of them has come back. No number is
/// atomic: the loop alone orders what its threads do.
bool loop_is_right(Random& random) {
    const auto chunks = static_cast<std::size_t>(random.below(12));
    const auto bad = static_cast<std::size_t>(random.below(3) == 0 ? random.below(12) : 12);
    const bool nested = random.below(4) == 0;
    std::vector<int> times(chunks), within(3 * chunks);
    int sum = 0;
    const auto body = [&](std::size_t i) {
        yield_at_random();
        ++times[i];
        if (nested) {
            parallel_for(3, [&](std::size_t j) { ++within[3 * i + j]; });
        }
        yield_at_random();
        if (i >= bad) { throw std::runtime_error("no more"); }
    };
    try {
        parallel_for(chunks, body);
        if (bad < chunks) { return false; }
    } catch (const std::runtime_error&) {
        if (bad >= chunks) { return false; }
    }
    for (const int n : times) { sum += n; }
    const bool whole = std::count(times.begin(), times.end(), 1) == static_cast<std::ptrdiff_t>(chunks);
    // A caller that runs the chunks one after another does not go on after an exception.
    const bool broken_off = bad < chunks && sum == static_cast<int>(bad) + 1;
    return (whole || broken_off) && (!nested || std::count(within.begin(), within.end(), 1) == 3 * sum);
}

} // namespace

TEST_CASE("parallel_for: loops of several callers, exceptions, other numbers of threads, whoever yields",
          "[threads][interleaved]") {
    for (const std::uint64_t seed : seeds(usual_seeds)) {
        INFO("HANDGRAD_TEST_SEED=" << seed);
        announce(seed);
        const RandomYields yields(seed);
        Random random(seed);
        const Threads before(num_threads());
        for (int round = 0; round < 4; ++round) {
            set_num_threads(1 + static_cast<int>(random.below(4)));
            std::vector<int> right(1 + static_cast<std::size_t>(random.below(3)));
            const auto call = [&right, seed, round](std::size_t caller) {
                Random own(seed, 10 + 3 * static_cast<std::uint64_t>(round) + caller);
                bool all = true;
                for (int i = 0; i < 5; ++i) { all = loop_is_right(own) && all; }
                right[caller] = all;
            };
            std::vector<std::thread> others;
            for (std::size_t i = 1; i < right.size(); ++i) { others.emplace_back(call, i); }
            call(0);
            for (auto& other : others) { other.join(); }
            for (const int one : right) { CHECK(one == 1); }
        }
    }
}
