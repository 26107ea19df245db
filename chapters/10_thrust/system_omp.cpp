// OMP: OpenMP, a team of threads that is woken for every algorithm. Each thread gets an equal part
// of the range.

#include <omp.h>
#include <thrust/system/omp/execution_policy.h>

#include "thrust_system.hpp"

namespace {

struct OpenMP : OnHost {
    int threads;
    explicit OpenMP(int n) : threads(n) {}
    static std::string name() { return "OMP"; }
    std::string hardware() const {
        return std::to_string(threads) +
               (threads == 1 ? " thread" : " threads");
    }
    double at_a_time() const { return threads; }
    auto policy() const {
        omp_set_num_threads(threads);
        return thrust::omp::par;
    }
};

} // namespace

std::unique_ptr<System> make_omp(int threads) {
    return std::make_unique<ThrustSystem<OpenMP>>(threads);
}
