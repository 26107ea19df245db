// CPP: one thread. With this policy every algorithm is a loop.

#include <thrust/system/cpp/execution_policy.h>

#include "thrust_system.hpp"

namespace {

struct Cpp : OnHost {
    static std::string name() { return "CPP"; }
    static std::string hardware() { return "1 thread"; }
    static double at_a_time() { return 1; }
    static auto policy() { return thrust::cpp::par; }
};

} // namespace

std::unique_ptr<System> make_cpp() {
    return std::make_unique<ThrustSystem<Cpp>>();
}
