#pragma once
// ## A training step
//
// The lecture's network learns from a few batches: from the same weights and the same digits by our functions on every
// system, by the library's device backend, and by the cpu backend. The losses have to agree within $10^{-4}$; the last
// digits may differ, since sums are added in other orders.

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

// What all of them learn from.
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
    for (const auto& batch : loader) { // the loss is asked for after each step, so that we can see it
        network.step(batch.images, batch.labels);
        result.losses.push_back(network.loss());
    }
    const auto start = std::chrono::steady_clock::now();
    for (const auto& batch : loader) { network.step(batch.images, batch.labels); } // now nobody asks
    if (device::is_available()) { device::synchronize(); }
    result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() / task.steps;
    return result;
}

enum class How { three_passes, fused, recorded };

// The data goes to the system once, before the first step, and the losses come back after the last.
inline Trained train_on(System& system, const Task& task, const std::vector<float>& parameters, How how,
                        std::size_t* started = nullptr) {
    data::BatchSampler sampler(task.train_set.size(), task.loader);
    std::vector<std::int32_t> numbers;
    for (std::size_t batch = 0; batch < sampler.batches(); ++batch) {
        const auto range = sampler.next();
        numbers.insert(numbers.end(), range.first, range.first + range.count);
    }
    const auto& set = task.train_set;
    const auto digits = static_cast<std::ptrdiff_t>(numbers.size());
    const Array<std::uint8_t> bytes(system,
                                    std::vector<std::uint8_t>(set.pixels.begin(), set.pixels.begin() + digits * 784));
    const Array<std::int32_t> labels(system,
                                     std::vector<std::int32_t>(set.labels.begin(), set.labels.begin() + digits));
    const Array<std::int32_t> order(system, numbers);
    const Digits data{bytes, labels, order, static_cast<int>(task.loader.batch_size)};

    Trained result;
    for (int round = 0; round < 2; ++round) { // the first one warms up
        Network network(system, data, parameters, task.steps, how != How::three_passes);
        const auto step = [&] { network.step(static_cast<float>(task.sgd.lr), static_cast<float>(task.sgd.momentum)); };
        const std::size_t before = system.started();
        const auto recording = how == How::recorded ? system.record(step) : nullptr;
        if (how != How::recorded) { step(); }
        if (started != nullptr) { *started = system.started() - before; }
        system.wait();
        const auto start = std::chrono::steady_clock::now();
        for (int i = 1; i < task.steps; ++i) { recording ? recording->replay() : step(); }
        system.wait();
        const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
        result = {network.losses(), seconds / (task.steps - 1)};
    }
    return result;
}

inline void lesson_step(const std::vector<Place>& places, const Task& task, app::Program& program) {
    const std::vector<float> parameters = LibraryNetwork<Cpu<float>>(Random(task.seed), task.sgd).parameters();
    const auto on_cpu = train_by_library<Cpu<float>>(task);
    const auto on_device = device::is_available() ? train_by_library<Device<float>>(task) : Trained();

    fmt::print("\nThe losses of {} steps, batches of {}\n\n{:<7}", task.steps, task.loader.batch_size, "");
    std::vector<std::size_t> shown;
    for (const std::size_t step : {1, 2, 5, 10, 20, 50, 100, 200, 500}) {
        if (step <= on_cpu.losses.size()) { shown.push_back(step); }
    }
    for (const std::size_t step : shown) { fmt::print(" {:>9}", fmt::format("step {}", step)); }
    fmt::print("\n");
    const auto line = [&](const std::string& name, const Trained& trained) {
        fmt::print("{:<7}", name);
        for (const std::size_t step : shown) { fmt::print(" {:>9.5f}", trained.losses.at(step - 1)); }
        fmt::print("\n");
        for (std::size_t i = 0; i < on_cpu.losses.size(); ++i) {
            const double loss = trained.losses.at(i), expected = on_cpu.losses[i];
            if (!(std::abs(loss - expected) <= 1e-4 * expected)) {
                throw std::runtime_error(fmt::format("{}: the loss of step {} is {}, expected cpu's {} within 1e-4",
                                                     name, i + 1, loss, expected));
            }
        }
        program.result("losses_" + name, trained.losses);
    };
    std::vector<std::vector<double>> seconds;
    std::size_t starts = 0, fused_starts = 0;
    for (const auto& place : places) {
        seconds.emplace_back(3, NAN);
        if (!place.system) {
            fmt::print("{:<7} -\n", place.name);
            continue;
        }
        const auto fused = train_on(*place.system, task, parameters, How::fused, &fused_starts);
        line(place.name, fused);
        const auto three = train_on(*place.system, task, parameters, How::three_passes, &starts);
        seconds.back() = {three.seconds, fused.seconds, NAN};
        if (!place.system->kernel_use().empty()) {
            const auto recorded = train_on(*place.system, task, parameters, How::recorded);
            if (recorded.losses != fused.losses) {
                throw std::runtime_error(place.name + ": a recorded step gives other losses than one that is not");
            }
            seconds.back()[2] = recorded.seconds;
        }
    }
    if (device::is_available()) {
        line("device", on_device);
    } else {
        fmt::print("{:<7} -\n", "device");
    }
    line("cpu", on_cpu);

    // In three passes a step starts more algorithms than fused. Recorded, it is one start, for a GPU.
    fmt::print("\nA step starts {} algorithms, fused {}. ms a step\n\n        three passes     fused  recorded\n",
               starts, fused_starts);
    for (std::size_t i = 0; i < places.size(); ++i) {
        fmt::print("{:<7} {:>12} {:>9} {:>9}\n", places[i].name, cell(seconds[i][0] * 1e3, ".3f"),
                   cell(seconds[i][1] * 1e3, ".3f"), cell(seconds[i][2] * 1e3, ".3f"));
        if (places[i].system) { program.result("step_seconds_" + places[i].name, seconds[i]); }
    }
    fmt::print("{:<7} {:>12} {:>9} {:>9}\n", "device", "-", cell(on_device.seconds * 1e3, ".3f"), "-");
    fmt::print("{:<7} {:>12} {:>9} {:>9}\n", "cpu", "-", cell(on_cpu.seconds * 1e3, ".3f"), "-");
    program.result("step_seconds_device", on_device.seconds);
    program.result("step_seconds_cpu", on_cpu.seconds);
}
