// TBB: Threading Building Blocks. The range is halved again and again, and an idle thread steals a
// part from another one.

#include <tbb/global_control.h>
#include <thrust/system/tbb/execution_policy.h>

#include "thrust_system.hpp"

namespace {

struct Tbb : OnHost {
    int threads;
    tbb::global_control limit;
    explicit Tbb(int n)
        : threads(n), limit(tbb::global_control::max_allowed_parallelism,
                            static_cast<std::size_t>(n)) {}
    static std::string name() { return "TBB"; }
    std::string hardware() const {
        return std::to_string(threads) +
               (threads == 1 ? " thread" : " threads");
    }
    double at_a_time() const { return threads; }
    static auto policy() { return thrust::tbb::par; }
};

} // namespace

std::unique_ptr<System> make_tbb(int threads) {
    return std::make_unique<ThrustSystem<Tbb>>(threads);
}
