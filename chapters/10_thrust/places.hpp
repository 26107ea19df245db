#pragma once
// ## Where it can run
//
// CPP is there wherever there is a C++ compiler; OMP and TBB where they were installed when this program was compiled; CUDA
// where its compiler was, and then there must be a GPU now.

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

struct Place {
    std::string name, note;         // the note says why there is no system
    std::unique_ptr<System> system; // or null
};

inline std::vector<Place> find_places(int threads) {
    static_cast<void>(threads);
    std::vector<Place> places(4);
    places[0] = {"CPP", "", make_cpp()};
    places[1] = {"OMP", "not built: OpenMP was not found", nullptr};
    places[2] = {"TBB", "not built: TBB was not found", nullptr};
    places[3] = {"CUDA", "not built: the library was not built for CUDA", nullptr};
#ifdef CHAPTER_HAS_OMP
    places[1].system = make_omp(threads);
#endif
#ifdef CHAPTER_HAS_TBB
    places[2].system = make_tbb(threads);
#endif
#ifdef CHAPTER_HAS_CUDA
    places[3].system = make_cuda();
    places[3].note = "there is no GPU";
#endif
    fmt::print("Thrust's systems\n");
    for (const auto& place : places) {
        fmt::print("{:<4} {}\n", place.name, place.system ? place.system->hardware() : place.note);
    }
    fmt::print("the library's device backend: {}\n", device::description());
    return places;
}

// A time or a rate, or a dash where there is nothing to measure. The sign ~ says that your machine will have another.
inline std::string cell(double value, const char* format = ".1f") {
    return std::isnan(value) ? "-" : app::about(value, format);
}

inline double time_on(System& system, const std::function<void()>& f) {
    return seconds_per_call(f, [&] { system.wait(); });
}
inline double time_on_cpu(const std::function<void()>& f) {
    return seconds_per_call(f, [] {});
}
// The same for the library's device backend, which computes nothing if it was built for a GPU and there is none.
inline double time_on_device(const std::function<void()>& f) {
    return device::is_available() ? seconds_per_call(f, device::synchronize) : NAN;
}
