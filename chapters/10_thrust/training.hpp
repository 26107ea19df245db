#pragma once
// ## A training step
//
// The network learns from a few batches: by our functions on every system, by the library's device
// backend, and by the cpu backend, with the same initial weights and the same digits. The losses
// have to agree within $10^{-4}$. The last digits may differ, since sums are added in other orders.

#include <chrono>
#include <cmath>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

#include <fmt/format.h>

#include <handgrad/app/program.hpp>
#include <handgrad/backends/cpu.hpp>
#include <handgrad/backends/device.hpp>
#include <handgrad/data/data_loader.hpp>

#include "library.hpp"
#include "network.hpp"
#include "places.hpp"

struct Trained {
    std::vector<float> losses;
    double seconds = NAN; // a step
};

// What all of them have in common.
struct Task {
    const data::ImageDataset& train_set;
    data::LoaderOptions loader;
    int steps;
    std::uint32_t seed;
    SgdOptions sgd;
};

template <class Backend> Trained train_by_library(const Task& task) {
    data::DataLoader<Backend> loader(task.train_set, task.loader);
    LibraryNetwork<Backend> network(Random(task.seed), task.sgd);
    Trained result;
    for (const auto& batch : loader) { // with the loss of each step
        network.step(batch.images, batch.labels);
        result.losses.push_back(network.loss());
    }
    const auto start = std::chrono::steady_clock::now();
    for (const auto& batch : loader) { // without it, as in real training
        network.step(batch.images, batch.labels);
    }
    if (device::is_available()) { device::synchronize(); }
    result.seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start)
            .count() /
        task.steps;
    return result;
}

enum class How { three_passes, fused, recorded };

// The data goes to the system once, before the first step, and the losses come back after the last
// one.
inline Trained train_on(System& system, const Task& task,
                        const std::vector<float>& parameters, How how,
                        std::size_t* started = nullptr) {
    data::BatchSampler sampler(task.train_set.size(), task.loader);
    std::vector<std::int32_t> numbers;
    for (std::size_t batch = 0; batch < sampler.batches(); ++batch) {
        const auto range = sampler.next();
        numbers.insert(numbers.end(), range.first, range.first + range.count);
    }
    const auto& set = task.train_set;
    const auto digits = static_cast<std::ptrdiff_t>(numbers.size());
    const Array<std::uint8_t> bytes(
        system, std::vector<std::uint8_t>(set.pixels.begin(),
                                          set.pixels.begin() + digits * 784));
    const Array<std::int32_t> labels(
        system, std::vector<std::int32_t>(set.labels.begin(),
                                          set.labels.begin() + digits));
    const Array<std::int32_t> order(system, numbers);
    const Digits data{bytes, labels, order,
                      static_cast<int>(task.loader.batch_size)};

    Trained result;
    for (int round = 0; round < 2; ++round) { // the first warms up
        Network network(system, data, parameters, task.steps,
                        how != How::three_passes);
        const auto step = [&] {
            network.step(static_cast<float>(task.sgd.lr),
                         static_cast<float>(task.sgd.momentum));
        };
        const std::size_t before = system.started();
        const auto recording =
            how == How::recorded ? system.record(step) : nullptr;
        if (how != How::recorded) { step(); }
        if (started != nullptr) { *started = system.started() - before; }
        system.wait();
        const auto start = std::chrono::steady_clock::now();
        for (int i = 1; i < task.steps; ++i) {
            recording ? recording->replay() : step();
        }
        system.wait();
        const double seconds = std::chrono::duration<double>(
                                   std::chrono::steady_clock::now() - start)
                                   .count();
        result = {network.losses(), seconds / (task.steps - 1)};
    }
    return result;
}

// The losses of some steps, printed as a line of a table. All must agree with the cpu backend's.
inline void print_losses(const std::string& name, const Trained& trained,
                         const Trained& on_cpu,
                         const std::vector<std::size_t>& shown,
                         app::Program& program) {
    fmt::print("{:<7}", name);
    for (const std::size_t step : shown) {
        fmt::print(" {:>9.5f}", trained.losses.at(step - 1));
    }
    fmt::print("\n");
    for (std::size_t i = 0; i < on_cpu.losses.size(); ++i) {
        const double loss = trained.losses.at(i), expected = on_cpu.losses[i];
        if (!(std::abs(loss - expected) <= 1e-4 * expected)) {
            throw std::runtime_error(fmt::format(
                "{}: the loss of step {} is {}, expected cpu's {} within 1e-4",
                name, i + 1, loss, expected));
        }
    }
    program.result("losses_" + name, trained.losses);
}

// Seconds of a step in three ways; a recorded step exists on a GPU only.
struct StepTimes {
    std::string name;
    double three_passes, fused, recorded;
};

inline void print_times(const std::vector<StepTimes>& all, bool with_recorded) {
    fmt::print("\n        three passes     fused{}\n",
               with_recorded ? "  recorded" : "");
    for (const StepTimes& times : all) {
        fmt::print("{:<7} {:>12} {:>9}", times.name,
                   cell(times.three_passes * 1e3, ".3f"),
                   cell(times.fused * 1e3, ".3f"));
        if (with_recorded) {
            fmt::print(" {:>9}", cell(times.recorded * 1e3, ".3f"));
        }
        fmt::print("\n");
    }
}

// <details class="predict"><summary>Predict: how many algorithms does a training step start?</summary>
//
// Two for the batch, seven for forward with fusion, and so on: 26 in all, and 32 in three passes.
// The number does not depend on the size of the batch.
//
// </details>
inline void lesson_step(const Systems& systems, const Task& task,
                        app::Program& program) {
    const std::vector<float> parameters =
        LibraryNetwork<Cpu<float>>(Random(task.seed), task.sgd).parameters();
    const auto on_cpu = train_by_library<Cpu<float>>(task);

    fmt::print("\nThe losses of {} steps, batches of {}\n\n{:<7}", task.steps,
               task.loader.batch_size, "");
    std::vector<std::size_t> shown;
    for (const std::size_t step : {1, 2, 5, 10, 20, 50, 100, 200, 500}) {
        if (step <= on_cpu.losses.size()) { shown.push_back(step); }
    }
    for (const std::size_t step : shown) {
        fmt::print(" {:>9}", fmt::format("step {}", step));
    }
    fmt::print("\n");
    std::vector<StepTimes> times;
    bool recorded = false;
    std::size_t starts = 0, fused_starts = 0;
    for (const auto& system : systems) {
        const auto fused =
            train_on(*system, task, parameters, How::fused, &fused_starts);
        print_losses(system->name(), fused, on_cpu, shown, program);
        const auto three =
            train_on(*system, task, parameters, How::three_passes, &starts);
        times.push_back({system->name(), three.seconds, fused.seconds, NAN});
        if (!system->kernel_use().empty()) { // a GPU
            recorded = true;
            const auto replayed =
                train_on(*system, task, parameters, How::recorded);
            if (replayed.losses != fused.losses) {
                throw std::runtime_error(
                    system->name() + ": a recorded step gives other losses");
            }
            times.back().recorded = replayed.seconds;
        }
    }
    if (device::is_available()) {
        const auto on_device = train_by_library<Device<float>>(task);
        print_losses("device", on_device, on_cpu, shown, program);
        times.push_back({"device", NAN, on_device.seconds, NAN});
    }
    print_losses("cpu", on_cpu, on_cpu, shown, program);
    times.push_back({"cpu", NAN, on_cpu.seconds, NAN});

    fmt::print("\nA step starts {} algorithms, fused {}. ms a step\n", starts,
               fused_starts);
    print_times(times, recorded);
    for (const StepTimes& t : times) {
        program.result(
            "step_seconds_" + t.name,
            std::vector<double>{t.three_passes, t.fused, t.recorded});
    }
}

// @output to "cpu"
//
// The losses agree to the last digit shown: one source, one result.
//
// @output to "cpu"
//
// The library's two backends are forty times as fast as our functions on the same cores, because
// their arithmetic is (the third part of this chapter). On a GPU a recorded step is a single start,
// and what is left is the time of the kernels.
