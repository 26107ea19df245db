#pragma once
// ## Where it can run
//
// Thrust calls an implementation of its algorithms a *system*. CPP, one thread, exists wherever
// there is a C++ compiler. OMP (OpenMP) and TBB (Threading Building Blocks) exist where they were
// installed when this program was compiled. CUDA exists where its compiler was, and needs a GPU
// now. The tables below have a column or a row for each system that this machine has.

#include <cmath>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>

#include <handgrad/app/about.hpp>
#include <handgrad/backends/device.hpp>

#include "system.hpp"
#include "timing.hpp"

using namespace handgrad;

using Systems = std::vector<std::unique_ptr<System>>;

// A function for each system, or why there is none.
struct Candidate {
    std::string name, missing;
    std::function<std::unique_ptr<System>()> make;
};

inline std::vector<Candidate> candidates(int threads) {
    static_cast<void>(threads);
    std::vector<Candidate> all = {
        {"CPP", "", make_cpp},
        {"OMP", "not built: OpenMP was not found", {}},
        {"TBB", "not built: TBB was not found", {}},
        {"CUDA", "not built: the library was not built for CUDA", {}}};
#ifdef CHAPTER_HAS_OMP
    all[1].make = [threads] { return make_omp(threads); };
#endif
#ifdef CHAPTER_HAS_TBB
    all[2].make = [threads] { return make_tbb(threads); };
#endif
#ifdef CHAPTER_HAS_CUDA
    all[3] = {"CUDA", "there is no GPU", make_cuda};
#endif
    return all;
}

inline Systems find_systems(int threads) {
    Systems systems;
    fmt::print("Thrust's systems\n");
    for (const Candidate& candidate : candidates(threads)) {
        auto system = candidate.make ? candidate.make() : nullptr;
        const std::string what =
            system ? system->hardware() : candidate.missing;
        fmt::print("{:<4} {}\n", candidate.name, what);
        if (system) { systems.push_back(std::move(system)); }
    }
    fmt::print("the library's device backend: {}\n", device::description());
    return systems;
}

// @output to "the library's device backend"

// A time or a rate, or a dash if nothing was measured. The sign ~ says that your machine will have
// another number.
inline std::string cell(double value, const char* format = ".1f") {
    return std::isnan(value) ? "-" : app::about(value, format);
}

// Seconds that one call of f takes: on a system, by the cpu backend, and by the library's device
// backend, which computes nothing if it was built for a GPU and there is none.
inline double time_on(System& system, const std::function<void()>& f) {
    return seconds_per_call(f, [&] { system.wait(); });
}
inline double time_on_cpu(const std::function<void()>& f) {
    return seconds_per_call(f, [] {});
}
inline double time_on_device(const std::function<void()>& f) {
    if (!device::is_available()) { return NAN; }
    return seconds_per_call(f, device::synchronize);
}
