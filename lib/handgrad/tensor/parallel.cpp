#include "handgrad/tensor/parallel.hpp"

#include <algorithm>
#include <atomic>
#include <stdexcept>
#include <thread>

#include <cblas.h>
#include <fmt/format.h>
#include <sched.h>

namespace handgrad {
namespace {

int available_cores() {
    cpu_set_t cores;
    if (sched_getaffinity(0, sizeof cores, &cores) == 0) { return CPU_COUNT(&cores); }
    return std::max(1U, std::thread::hardware_concurrency());
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
        return available_cores();
    }();
    return n;
}

} // namespace

int num_threads() { return threads(); }

void set_num_threads(int n) {
    if (n < 1) { throw std::invalid_argument(fmt::format("set_num_threads: got {}, expected at least 1", n)); }
    threads() = n;
}

} // namespace handgrad
