#include "handgrad/tensor/parallel.hpp"

#include <algorithm>
#include <atomic>
#include <stdexcept>
#include <thread>

#include <cblas.h>
#include <fmt/format.h>
#include <pthread.h>
#include <sched.h>

#include "memory_limit.hpp"

namespace handgrad {
namespace {

int available_cores() {
    cpu_set_t cores;
    if (sched_getaffinity(0, sizeof cores, &cores) == 0) { return CPU_COUNT(&cores); }
    return std::max(1U, std::thread::hardware_concurrency());
}

/// Returns n, or fewer if memory is limited: the stacks of n - 1 threads may take a quarter of what is left after 384 MiB
/// for OpenBLAS and data. OpenMP starts threads of its own, so it is twice a quarter.
int within_limit_of_memory(int n) {
    if (!memory_is_limited()) { return n; }
    std::size_t stack = 0;
    pthread_attr_t standard;
    pthread_attr_init(&standard);
    pthread_attr_getstacksize(&standard, &stack);
    pthread_attr_destroy(&standard);
    constexpr std::size_t left = std::size_t{384} << 20;
    while (n > 1 && !memory_is_left(4 * static_cast<std::size_t>(n - 1) * stack + left)) { --n; }
    return n;
}

std::atomic<int>& threads() {
    static std::atomic<int> n = [] {
        // OpenBLAS must not start threads of its own within a chunk: it divides a product by their number, and the
        // last bits of the result would depend on it.
        openblas_set_num_threads(1);
        if (openblas_get_num_threads() != 1) {
            throw std::runtime_error(
                fmt::format("OpenBLAS runs on {} threads, expected 1", openblas_get_num_threads()));
        }
        return within_limit_of_memory(available_cores());
    }();
    return n;
}

} // namespace

int num_threads() { return threads(); }

void set_num_threads(int n) {
    if (n < 1) { throw std::invalid_argument(fmt::format("set_num_threads: got {}, expected at least 1", n)); }
    threads() = within_limit_of_memory(n);
}

} // namespace handgrad
