// The loop over chunks on several threads, which is not part of the library's interface.

#include <atomic>
#include <chrono>
#include <stdexcept>
#include <thread>
#include <vector>

#include "../../lib/handgrad/tensor/blas_buffer.hpp"
#include "../../lib/handgrad/tensor/memory_limit.hpp"
#include "../../lib/handgrad/tensor/parallel_for.hpp"
#include "catch.hpp"
#include "support/tensors.hpp"

using namespace handgrad;
using namespace support;

TEST_CASE("parallel_for: every chunk is done once, on any number of threads", "[threads]") {
    for (const int threads : {1, 2, 3, 8}) {
        const Threads guard(threads);
        for (const std::size_t chunks : {0u, 1u, 2u, 3u, 7u, 100u}) {
            INFO(threads << " threads, " << chunks << " chunks");
            std::vector<std::atomic<int>> done(chunks);
            parallel_for(chunks, [&](std::size_t i) { ++done[i]; });
            for (const auto& times : done) { CHECK(times == 1); }
        }
    }
}

TEST_CASE("parallel_for: an exception in any chunk reaches the caller, and the next loop works", "[threads]") {
    for (const int threads : {1, 2, 4}) {
        const Threads guard(threads);
        for (const std::size_t bad : {0u, 1u, 15u}) {
            INFO(threads << " threads, chunk " << bad << " of 16 throws");
            const auto fails = [bad] {
                parallel_for(16, [bad](std::size_t i) {
                    if (i == bad) { throw std::runtime_error("no more"); }
                });
            };
            CHECK_THROWS_WITH(fails(), "no more");
            std::atomic<int> done{0};
            parallel_for(16, [&](std::size_t) { ++done; });
            CHECK(done == 16);
        }
    }
}

TEST_CASE("Products of OpenBLAS on more threads than it has buffers", "[threads]") {
    const Threads guard(300); // Debian's OpenBLAS has 256 buffers
    std::atomic<int> running{0}, most{0};
    parallel_for(600, [&](std::size_t) {
        const cpu::BlasBuffer buffer;
        const int now = ++running;
        for (int before = most; before < now && !most.compare_exchange_weak(before, now);) {}
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
        --running;
    });
    if (memory_is_limited()) {
        CHECK(most == 1); // the only buffer that OpenBLAS has taken
    } else {
        CHECK(most > 1);
        CHECK(most <= 128);
    }
}

TEST_CASE("memory_is_left: whether the system would give that much", "[threads]") {
    CHECK(memory_is_left(1 << 20));
    CHECK_FALSE(memory_is_left(std::size_t{1} << 60));
}

TEST_CASE("Chunks: together all items, cut by the problem alone", "[threads]") {
    for (const std::size_t items : {0u, 1u, 7u, 8u, 9u, 100u}) {
        for (const std::size_t multiple : {1u, 4u}) {
            const Chunks chunks(items, 3, multiple);
            INFO(items << " items, a multiple of " << multiple);
            std::size_t next = 0;
            for (std::size_t i = 0; i < chunks.count; ++i) {
                CHECK(chunks.begin(i) == next);
                CHECK(chunks.length(i) > 0);
                if (i + 1 < chunks.count) { CHECK(chunks.length(i) % multiple == 0); }
                next += chunks.length(i);
            }
            CHECK(next == items);
        }
    }
}

TEST_CASE("the number of threads is what was set, less than one is refused", "[tensor][threads]") {
    const int before = num_threads();
    CHECK(before >= 1);
    {
        const Threads guard(3);
        CHECK(num_threads() == 3);
        CHECK(message_of<std::invalid_argument>([] { set_num_threads(0); }) ==
              "set_num_threads: got 0, expected at least 1");
        CHECK_THROWS_AS(set_num_threads(-1), std::invalid_argument);
        CHECK(num_threads() == 3);
    }
    CHECK(num_threads() == before);
}
