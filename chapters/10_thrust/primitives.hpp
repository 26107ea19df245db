#pragma once
// ## From one number to millions
//
// We time `thrust::transform` with the simplest function that we have, $y = \max(x, 0)$: one
// operation for 8 bytes. If there are enough numbers, memory limits the speed, however fast the
// arithmetic is. If there are few, the start is what costs: waking threads, or putting a kernel
// into the GPU's queue.

#include <cmath>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include <fmt/format.h>

#include <handgrad/app/program.hpp>
#include <handgrad/backends/cpu.hpp>
#include <handgrad/backends/device.hpp>
#include <handgrad/io/csv.hpp>
#include <handgrad/plot/figure.hpp>
#include <handgrad/tensor/random.hpp>

#include "array.hpp"
#include "places.hpp"

// Seconds of a relu of n numbers: on each system, by the device backend, by the cpu backend.
inline std::vector<double> time_relu(const Systems& systems, std::size_t n) {
    std::vector<double> seconds;
    for (const auto& system : systems) {
        Array<float> x(*system, std::vector<float>(n, -1.0f)), y(*system, n);
        seconds.push_back(time_on(
            *system, [&] { system->relu_forward(x.data(), y.data(), n); }));
    }
    const auto x = full<float>({n}, -1.0f);
    auto y = zeros<float>({n});
    device::Tensor<float> device_x, device_y;
    if (device::is_available()) { device::to_device(x, device_x); }
    seconds.push_back(
        time_on_device([&] { device::relu_forward(device_x, device_y); }));
    seconds.push_back(time_on_cpu([&] { cpu::relu_forward(x, y); }));
    return seconds;
}

inline std::vector<std::string> columns_of(const Systems& systems) {
    std::vector<std::string> names;
    for (const auto& system : systems) { names.push_back(system->name()); }
    return names;
}

inline void draw_bandwidth(const std::vector<std::string>& names,
                           const std::vector<double>& sizes,
                           const std::vector<std::vector<double>>& rates,
                           app::Program& program) {
    plot::Figure figure;
    figure.title("relu: memory traffic")
        .x_label("numbers")
        .y_label("GB/s")
        .x_log()
        .y_log();
    io::CsvTable table;
    table.add("n", sizes);
    for (std::size_t i = 0; i < names.size(); ++i) {
        if (std::isnan(rates[i].back())) { continue; }
        figure.line_points(names[i], sizes, rates[i]);
        table.add(names[i], rates[i]);
        program.result("relu_gigabytes_" + names[i], rates[i]);
    }
    table.write(program.output("relu.csv"));
    const auto saved = figure.save(program.output(""), "bandwidth");
    if (!saved.note.empty()) { fmt::print(stderr, "{}\n", saved.note); }
}

// The function returns the bytes per second of the largest relu for each system: the bandwidth of
// its memory.
//
// <details class="predict"><summary>Predict: for a single number, which is faster, one thread or a team of threads?</summary>
//
// One thread: it calls a function. To wake a team takes microseconds, in which one thread could
// have computed some ten thousand numbers. (TBB does not wake anybody for a single number, and the
// device backend does not for a few thousand.)
//
// </details>
inline std::vector<double> lesson_transform(const Systems& systems,
                                            app::Program& program) {
    auto names = columns_of(systems);
    names.insert(names.end(), {"device", "cpu"});
    fmt::print("\nrelu_forward, us a call\n\n   numbers");
    for (const auto& name : names) { fmt::print(" {:>9}", name); }
    fmt::print("\n");
    std::vector<double> sizes;
    std::vector<std::vector<double>> rates(names.size());
    for (std::size_t n = 1; n <= std::size_t{1} << 24; n *= n == 1 ? 256 : 16) {
        sizes.push_back(static_cast<double>(n));
        fmt::print("{:>10}", n);
        const auto seconds = time_relu(systems, n);
        for (std::size_t i = 0; i < seconds.size(); ++i) {
            fmt::print(" {:>9}", cell(seconds[i] * 1e6, ".2f"));
            rates[i].push_back(8 * static_cast<double>(n) / seconds[i] / 1e9);
        }
        fmt::print("\n");
    }
    fmt::print("\nGB/s at {:.0f}", sizes.back());
    for (const auto& rate : rates) { fmt::print(" {:>9}", cell(rate.back())); }
    fmt::print("\n");
    draw_bandwidth(names, sizes, rates, program);

    std::vector<double> bandwidths;
    for (const auto& rate : rates) { bandwidths.push_back(rate.back() * 1e9); }
    return bandwidths;
}

// @output to "GB/s at"
//
// Below some ten thousand numbers one thread is fastest. That is why the library's device backend
// divides only work of more than a hundred thousand operations. For millions of numbers two threads
// are faster than one. But when the numbers do not fit into the caches any more, the gain is
// limited by what the memory can deliver.
//
// ![The memory traffic of relu against the size of the array, on logarithmic axes. On the left the start costs all the time; on the right the memory limits all systems.](bandwidth.svg)
//
// ## The last bits of a sum
//
// A million numbers from 0 to 1 are added up thirty times, by `reduce` and by our blocks. How many
// different results are there, and are they the same on all systems? The program stops if the
// blocks do not have the same bits everywhere.
//
// <details class="predict"><summary>Predict: TBB divides the work by which thread is idle. How many different sums will 30 runs give?</summary>
//
// More than one, and not the same number each time: here four. One thread and OpenMP give a single
// result each, but not the same one.
//
// </details>
struct Sums {
    std::set<float> reduced, in_blocks; // the different results of 30 runs
};

inline Sums sum_repeatedly(System& system, const Array<float>& x) {
    const std::size_t n = x.size();
    Array<float> parts(system, n / 100), result(system, 1);
    Sums sums;
    for (int run = 0; run < 30; ++run) {
        sums.reduced.insert(system.sum(x.data(), n));
        system.sum_in_blocks(x.data(), n, parts.data(), result.data());
        sums.in_blocks.insert(result.numbers()[0]);
    }
    return sums;
}

// A thousand rows of ten columns, added up both ways. Here the bits may differ by rounding.
inline void compare_column_sums(System& system, const Array<float>& x) {
    constexpr int rows = 1000, columns = 10;
    Array<float> by_key(system, columns), by_column(system, columns);
    system.column_sums_by_key(x.data(), by_key.data(), rows, columns);
    system.column_sums(x.data(), by_column.data(), rows, columns);
    const auto a = by_key.numbers(), b = by_column.numbers();
    for (std::size_t k = 0; k < columns; ++k) {
        if (!(std::abs(double(a[k]) / b[k] - 1) < 1e-4)) {
            throw std::runtime_error(system.name() +
                                     ": sums by key are not the columns' sums");
        }
    }
}

inline void lesson_sums(const Systems& systems, Random random) {
    std::vector<float> numbers(1000000);
    for (float& number : numbers) {
        number = static_cast<float>(random.uniform());
    }
    double exact = 0;
    for (const float number : numbers) { exact += number; }

    fmt::print("\nThe sum of {} numbers, relative error\n\n", numbers.size());
    fmt::print("        reduce   of 30 runs   blocks   of 30 runs   bits of "
               "CPP   columns by key\n");
    float first = 0;
    for (const auto& system : systems) {
        const Array<float> x(*system, numbers);
        const Sums sums = sum_repeatedly(*system, x);
        if (system->name() == "CPP") { first = *sums.in_blocks.begin(); }
        if (sums.in_blocks.size() != 1 || *sums.in_blocks.begin() != first) {
            throw std::runtime_error(
                system->name() + ": a sum in blocks has other bits than CPP's");
        }
        compare_column_sums(*system, x);
        fmt::print("{:<4} {:>9} {:>12} {:>8} {:>12} {:>13} {:>16}\n",
                   system->name(),
                   cell(std::abs(*sums.reduced.begin() / exact - 1), ".0e"),
                   cell(double(sums.reduced.size()), ".0f"),
                   cell(std::abs(first / exact - 1), ".0e"),
                   sums.in_blocks.size(), "yes", "agree");
    }
}

// @output to "TBB"
//
// With OpenMP the bits of `reduce` depend on the number of threads. TBB gives several different
// sums within thirty runs of the same program on the same numbers. The sum in blocks has the same
// bits everywhere. It is also more accurate: the loop that adds a million numbers to one growing
// sum rounds each time at the size of that sum.
