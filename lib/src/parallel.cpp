#include "handgrad/parallel.hpp"

#include <stdexcept>

#include <cblas.h>
#include <fmt/format.h>
#include <omp.h>

namespace handgrad {
namespace {

int& threads() {
    static int n = [] {
        // OpenBLAS must not start threads of its own inside ours: how it cuts a product depends on their number,
        // and so would the last bits of the result.
        openblas_set_num_threads(1);
        if (openblas_get_num_threads() != 1) {
            throw std::runtime_error(
                fmt::format("OpenBLAS runs on {} threads, expected 1", openblas_get_num_threads()));
        }
        return omp_get_num_procs();
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
