#pragma once
// ## The operations, and whether they are right
//
// The inputs are whole numbers, so nothing is rounded. All systems, the library's device backend
// and the cpu backend must then get the same number in every place. Only softmax has to round, and
// `exp` does not give the same last bit everywhere.

#include <algorithm>
#include <cmath>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

#include <fmt/format.h>

#include <handgrad/app/program.hpp>

#include "operations.hpp"
#include "places.hpp"

inline void require_equal(const Operation& operation, const std::string& who,
                          const Ready& ready,
                          const std::vector<float>& expected,
                          double tolerance) {
    ready.run();
    const auto actual = ready.result();
    for (std::size_t i = 0; i < expected.size(); ++i) {
        if (!(std::abs(actual[i] - expected[i]) <= tolerance)) {
            throw std::runtime_error(
                fmt::format("{} of {}: number {} is {}, expected {}",
                            operation.name, who, i, actual[i], expected[i]));
        }
    }
}

inline void check_operations(const Systems& systems,
                             const std::vector<Operation>& operations,
                             std::size_t N) {
    fmt::print("\nThe step's operations, batches of {}\n\n", N);
    fmt::print("{:<31} {:<10} {:>8} {:>9} {:>10} {:>14}  {}\n", "", "algorithm",
               "items", "KB", "kFLOP", "FLOP per byte", "as cpu");
    for (const auto& operation : operations) {
        const auto on_cpu = operation.on_cpu();
        on_cpu.run();
        const auto expected = on_cpu.result();
        const bool rounds = operation.name == "cross_entropy_forward";
        const double tolerance = rounds ? 1e-6 : 0;
        for (const auto& system : systems) {
            require_equal(operation, system->name(),
                          operation.on_system(*system), expected, tolerance);
        }
        if (device::is_available()) {
            require_equal(operation, "the device backend",
                          operation.on_device(), expected, tolerance);
        }
        fmt::print("{:<31} {:<10} {:>8.0f} {:>9.1f} {:>10.1f} {:>14.2f}  {}\n",
                   operation.name, operation.algorithm, operation.items,
                   operation.bytes / 1e3, operation.flops / 1e3,
                   operation.flops / operation.bytes,
                   rounds ? "within 1e-6" : "equal");
    }
}

// @output to "cross_entropy_backward"
//
// The column "FLOP per byte" says what limits an operation on a full machine: a small number means
// memory, a large one arithmetic. ReLU has 1/8, the second convolution 57.
//
// ## What they cost
//
// We time each operation on every system, by the library's device backend with its plain kernels,
// which are much like ours, and with its fast ones, and by the cpu backend. If the device is this
// computer's own cores, the fast kernels *are* the cpu backend's.
//
// <details class="predict"><summary>Predict: two threads instead of one, and the same arithmetic as the cpu backend. How far behind is our convolution?</summary>
//
// Far: it needs 25 to 90 times as long. Parallel is not the same as fast.
//
// </details>
inline std::vector<double> time_operation(const Systems& systems,
                                          const Operation& operation) {
    std::vector<double> seconds;
    for (const auto& system : systems) {
        const auto ready = operation.on_system(*system);
        seconds.push_back(time_on(*system, ready.run));
    }
    std::function<void()> run;
    if (device::is_available()) { run = operation.on_device().run; }
    device::set_algorithm(device::Algorithm::plain);
    seconds.push_back(time_on_device(run));
    device::set_algorithm(device::Algorithm::fast);
    seconds.push_back(time_on_device(run));
    seconds.push_back(time_on_cpu(operation.on_cpu().run));
    return seconds;
}

inline std::vector<std::vector<double>>
time_operations(const Systems& systems,
                const std::vector<Operation>& operations,
                app::Program& program) {
    fmt::print("\nus a call\n\n{:<31}", "");
    for (const auto& system : systems) { fmt::print(" {:>9}", system->name()); }
    fmt::print(" {:>9} {:>9} {:>9}\n", "plain", "device", "cpu");
    std::vector<std::vector<double>> all;
    for (const auto& operation : operations) {
        all.push_back(time_operation(systems, operation));
        fmt::print("{:<31}", operation.name);
        std::vector<double> microseconds;
        for (const double seconds : all.back()) {
            fmt::print(" {:>9}", cell(seconds * 1e6));
            microseconds.push_back(seconds * 1e6);
        }
        fmt::print("\n");
        program.result("microseconds_" + operation.name, microseconds);
    }
    return all;
}

// @output to "cross_entropy_backward"
//
// Our convolutions use neither SIMD nor registers more than once, and they need two divisions to
// find out which pixel they belong to. A GPU forgives some of that, since its threads are its SIMD
// and its caches serve neighbours at once. It does not forgive all of it: this is why the device
// backend has cuBLAS, and tiles in shared memory, for CUDA.
//
// Max-pooling is slow on the host for two reasons. Every item finds its window by five divisions.
// And nobody can guess the outcome of its three comparisons of random numbers, so the processor
// often guesses wrong and starts again. The cpu backend has neither problem: it goes through the
// rows and compares registers.
//
// ## How to read the times
//
// For the most parallel system of this machine we print how often the items of an operation fill
// the machine, which part of the bandwidth of a large relu it reached, and how many operations per
// second. An operation with few items is slow because most of the machine is idle. One with many
// items and few operations per byte should be near 100 percent of the bandwidth. One with many
// operations per byte should be near the peak of the arithmetic (chapter 03). If it is none of
// these, it can be improved.
inline void read_times(const System& system, std::size_t column,
                       double bandwidth,
                       const std::vector<Operation>& operations,
                       const std::vector<std::vector<double>>& seconds) {
    fmt::print("\n{}: {:.0f} items at a time\n\n", system.name(),
               system.at_a_time());
    fmt::print("{:<31} {:>10} {:>9} {:>15} {:>10}\n", "", "fills it", "GB/s",
               "% of relu's", "GFLOP/s");
    for (std::size_t i = 0; i < operations.size(); ++i) {
        const auto& operation = operations[i];
        const double rate = operation.bytes / seconds[i][column];
        fmt::print("{:<31} {:>10} {:>9} {:>15} {:>10}\n", operation.name,
                   cell(operation.items / system.at_a_time(), ".3g"),
                   cell(rate / 1e9, ".2f"), cell(100 * rate / bandwidth, ".0f"),
                   cell(operation.flops / seconds[i][column] / 1e9, ".2f"));
    }
}

// @output to "cross_entropy_backward"
//
// relu and its like reach the bandwidth of the large relu, or more where the numbers are still in
// the cache. The convolutions are far from it and should be: at 57 operations per byte they have to
// be judged by GFLOP/s. `linear_backward_bias` has ten items, so no more than ten threads can work.
// On a GPU look first at "fills it": below 1 the machine is not full, and nothing but more work per
// start helps.
//
// ### Occupancy
//
// "Fills it" counts threads as if there were room for each of them. On a GPU a thread needs
// registers, and a multiprocessor has a fixed number of them, so a complicated function leaves room
// for fewer threads. The compiler and the GPU can be asked. (Only a machine with a GPU prints this
// table.)
inline void read_occupancy(const Systems& systems) {
    for (const auto& system : systems) {
        const auto uses = system->kernel_use();
        if (uses.empty()) { continue; }
        fmt::print("registers  threads a block  occupancy  on {}\n",
                   system->name());
        for (const auto& use : uses) {
            fmt::print("{:>9}  {:>15}  {:>9}  {}\n", cell(use.registers, ".0f"),
                       cell(use.threads, ".0f"), cell(use.occupancy, ".2f"),
                       use.name);
        }
    }
}

// ## Three in one, six in one
//
// Two kinds of fusion: the first block in three passes and in one, and SGD for the six parameters
// one after another and for all of them in one array. The operations are the same. The first saves
// memory traffic and two starts, the second five starts. Whether that shows depends on the cost of
// the rest.
//
// <details class="predict"><summary>Predict: is the fused block faster than the three passes on this computer's cores?</summary>
//
// Hardly, and sometimes it is slower: our plain arithmetic takes nearly all of the time, and the
// memory traffic that fusion saves takes little. In the library, whose arithmetic is fast, fusion
// pays off (chapter 09, `--unfused`).
//
// </details>
inline std::vector<double> time_fusion(System& system, const ConvSizes& sizes,
                                       const std::vector<float>& x_values,
                                       const std::vector<float>& w_values,
                                       const std::vector<float>& b_values,
                                       const std::vector<float>& parameters) {
    const auto n = [](int count) { return static_cast<std::size_t>(count); };
    Array<float> x(system, x_values), w(system, w_values), b(system, b_values),
        z(system, n(sizes.y())), o(system, n(sizes.y())),
        y(system, n(sizes.pooled())), p(system, parameters),
        dp(system, parameters), v(system, parameters);
    Array<std::int32_t> winners(system, n(sizes.pooled()));
    const int maps = sizes.N * sizes.C_out;
    const auto conv = [&] {
        system.conv2d_forward(sizes, x.data(), w.data(), b.data(), z.data());
    };
    const auto relu = [&] {
        system.relu_forward(z.data(), o.data(), z.size());
    };
    const auto pool = [&] {
        system.max_pool2d_forward(o.data(), maps, sizes.P(), sizes.Q(),
                                  y.data(), winners.data());
    };
    const auto three = [&] { conv(), relu(), pool(); };
    const auto fused = [&] {
        system.conv2d_relu_max_pool2d_forward(
            sizes, x.data(), w.data(), b.data(), y.data(), winners.data());
    };
    const auto sgd = [&](std::size_t begin, std::size_t count) {
        system.sgd_step(p.data() + begin, dp.data() + begin, v.data() + begin,
                        count, 0, 0);
    };
    const auto six = [&] {
        sgd(0, 250), sgd(250, 10), sgd(260, 5000);
        sgd(5260, 20), sgd(5280, 3200), sgd(8480, 10);
    };
    const auto one = [&] { sgd(0, 8490); };
    const std::vector<std::function<void()>> calls = {conv,  relu, pool, three,
                                                      fused, six,  one};
    std::vector<double> seconds;
    for (const auto& call : calls) { seconds.push_back(time_on(system, call)); }
    return seconds;
}

inline void lesson_fusion(const Systems& systems, int N, Random random) {
    const ConvSizes sizes{N, 1, 28, 28, 10, 5, 5};
    const auto values = [&](int n) {
        const auto t = whole_numbers({static_cast<std::size_t>(n)}, random);
        return std::vector<float>(t.begin(), t.end());
    };
    const auto x = values(sizes.x()), w = values(sizes.w()),
               b = values(sizes.C_out), p = values(8490);
    fmt::print(
        "\nFusion, us\n\n{:<5} {:>9} {:>9} {:>9} {:>9} {:>9} {:>9} {:>9}\n", "",
        "conv", "relu", "pool", "three", "fused", "six sgd", "one sgd");
    for (const auto& system : systems) {
        fmt::print("{:<5}", system->name());
        for (const double seconds : time_fusion(*system, sizes, x, w, b, p)) {
            fmt::print(" {:>9}", cell(seconds * 1e6));
        }
        fmt::print("\n");
    }
}

// @output to "TBB"
//
// One SGD for six arrays has a sixth of the starts. That shows on every system that has to pay for
// a start.
