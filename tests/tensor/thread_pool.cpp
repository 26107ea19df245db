// How many threads a loop runs on, which no result shows: the results are the same on any number.

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <stdexcept>
#include <thread>

#include "../../lib/handgrad/tensor/parallel_for.hpp"
#include "catch.hpp"
#include "support/tensors.hpp"

using namespace handgrad;
using namespace support;

namespace {

/// Runs a loop whose chunks wait for each other, and returns how many ran at the same time. A chunk waits no longer when
/// `enough` of them run, or for the rest of the time.
int threads_at_once(int chunks, int enough, std::chrono::milliseconds time) {
    std::mutex mutex;
    std::condition_variable changed;
    int running = 0, most = 0;
    parallel_for(static_cast<std::size_t>(chunks), [&](std::size_t) {
        std::unique_lock<std::mutex> lock(mutex);
        most = std::max(most, ++running);
        changed.notify_all();
        changed.wait_for(lock, time, [&] { return most == enough; });
        --running;
    });
    return most;
}

int threads_at_once(int threads) { return threads_at_once(threads, threads, std::chrono::seconds(5)); }

} // namespace

TEST_CASE("parallel_for: as many threads as num_threads() says, also when it has changed", "[threads]") {
    for (const int threads : {2, 4, 3, 2}) {
        INFO(threads << " threads");
        const Threads guard(threads);
        CHECK(threads_at_once(threads) == threads);
    }
}

TEST_CASE("parallel_for: no more threads than num_threads() says", "[threads]") {
    for (const int threads : {2, 3}) {
        INFO(threads << " threads");
        const Threads guard(threads);
        CHECK(threads_at_once(threads + 3, threads + 1, std::chrono::milliseconds(200)) <= threads);
    }
}

TEST_CASE("parallel_for: a loop, one within another, or an exception leaves the threads to the next loop",
          "[threads]") {
    const Threads guard(2);
    parallel_for(2, [](std::size_t) {});
    CHECK(threads_at_once(2) == 2);
    parallel_for(2, [](std::size_t) { parallel_for(2, [](std::size_t) {}); });
    CHECK(threads_at_once(2) == 2);
    CHECK_THROWS_AS(parallel_for(2, [](std::size_t) { throw std::runtime_error("no more"); }), std::runtime_error);
    CHECK(threads_at_once(2) == 2);
}

TEST_CASE("parallel_for: waits for a thread that is still at work long after the caller", "[threads]") {
    const Threads guard(2);
    const auto caller = std::this_thread::get_id();
    std::atomic<int> begun{0}, ended{0};
    parallel_for(2, [&](std::size_t) {
        ++begun;
        while (begun < 2) { std::this_thread::yield(); }
        if (std::this_thread::get_id() != caller) { std::this_thread::sleep_for(std::chrono::milliseconds(100)); }
        ++ended;
    });
    CHECK(ended == 2);
}
