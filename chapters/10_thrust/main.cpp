// ## What we need
//
// The functions that this chapter is about are in small files of their own, shown after this program and worth reading
// first, in this order: `entrywise.hpp`, `sums.hpp`, `batch.hpp`, `matrices.hpp`, `classes.hpp`, `images.hpp`,
// `fused.hpp`; then `network.hpp`, which makes a training step of them. They are the only files here that include Thrust.
// `places.hpp`, `block.hpp` and `training.hpp` are parts of this program: its first, one about a GPU's blocks, and its last.
// `thrust_system.hpp` and the four `system_...` files compile them for all systems that this machine has.
#include <algorithm>
#include <cmath>
#include <functional>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include <fmt/format.h>

#include <handgrad/app/program.hpp>
#include <handgrad/backends/cpu.hpp>
#include <handgrad/backends/device.hpp>
#include <handgrad/data/mnist.hpp>
#include <handgrad/io/csv.hpp>
#include <handgrad/plot/figure.hpp>

#include "block.hpp"
#include "operations.hpp"
#include "places.hpp"
#include "training.hpp"

using namespace handgrad;

// ## From one number to millions
//
// We begin with `thrust::transform` and the simplest function that we have, $y = \max(x, 0)$: one operation for 8 bytes.
// However fast the arithmetic may be, memory decides, if there is enough to do. If there is not, it is the start that
// costs: waking threads, or putting a kernel into the GPU's queue. The first two rows of the table are that cost and
// nothing else. (TBB does not wake anybody for a single number; and the device backend for a few thousand neither.)
//
// Returns the bytes a second of the largest one, for each system: what its memory can do.
std::vector<double> lesson_transform(const std::vector<Place>& places, app::Program& program) {
    fmt::print("\nrelu_forward, us a call\n\n   numbers");
    for (const auto& place : places) { fmt::print(" {:>9}", place.name); }
    fmt::print(" {:>9} {:>9}\n", "device", "cpu");
    std::vector<double> sizes;
    std::vector<std::vector<double>> rates(places.size() + 2);
    for (std::size_t n = 1; n <= std::size_t{1} << 24; n *= n == 1 ? 256 : 16) {
        sizes.push_back(static_cast<double>(n));
        std::vector<double> seconds;
        for (const auto& place : places) {
            if (place.system) {
                Array<float> x(*place.system, std::vector<float>(n, -1.0f)), y(*place.system, n);
                seconds.push_back(time_on(*place.system, [&] { place.system->relu_forward(x.data(), y.data(), n); }));
            } else {
                seconds.push_back(NAN);
            }
        }
        const auto x = full<float>({n}, -1.0f);
        auto y = zeros<float>({n});
        device::Tensor<float> device_x, device_y;
        if (device::is_available()) { device::to_device(x, device_x); }
        seconds.push_back(time_on_device([&] { device::relu_forward(device_x, device_y); }));
        seconds.push_back(time_on_cpu([&] { cpu::relu_forward(x, y); }));
        fmt::print("{:>10}", n);
        for (std::size_t i = 0; i < seconds.size(); ++i) {
            fmt::print(" {:>9}", cell(seconds[i] * 1e6, ".2f"));
            rates[i].push_back(8 * static_cast<double>(n) / seconds[i] / 1e9);
        }
        fmt::print("\n");
    }
    fmt::print("\nGB/s at {:.0f}", sizes.back());
    for (const auto& rate : rates) { fmt::print(" {:>9}", cell(rate.back())); }
    fmt::print("\n");

    plot::Figure figure;
    figure.title("relu: bytes moved a second").x_label("numbers").y_label("GB/s").x_log().y_log();
    io::CsvTable table;
    table.add("n", sizes);
    std::vector<std::string> names;
    for (const auto& place : places) { names.push_back(place.name); }
    names.insert(names.end(), {"device", "cpu"});
    for (std::size_t i = 0; i < names.size(); ++i) {
        if (std::isnan(rates[i].back())) { continue; }
        figure.line_points(names[i], sizes, rates[i]);
        table.add(names[i], rates[i]);
        program.result("relu_gigabytes_" + names[i], rates[i]);
    }
    table.write(program.output("relu.csv"));
    const auto saved = figure.save(program.output(""), "bandwidth");
    if (!saved.note.empty()) { fmt::print(stderr, "{}\n", saved.note); }

    std::vector<double> bandwidths;
    for (const auto& rate : rates) { bandwidths.push_back(rate.back() * 1e9); }
    return bandwidths;
}

// ## The last bits of a sum
//
// A million numbers from 0 to 1 are added up thirty times, by `reduce` and by our blocks. How many different results are
// there, and are they the first system's? The blocks must give the same bits everywhere; the program stops if they do not.
void lesson_sums(const std::vector<Place>& places, Random random) {
    const std::size_t n = 1000000, rows = 1000, columns = 10;
    std::vector<float> numbers(n);
    for (float& number : numbers) { number = static_cast<float>(random.uniform()); }
    double exact = 0;
    for (const float number : numbers) { exact += number; }

    fmt::print("\nThe sum of {} numbers, relative error\n\n", n);
    fmt::print("        reduce   results of 30 runs   blocks   results   same bits as CPP's   columns by key\n");
    float first = 0;
    for (const auto& place : places) {
        if (!place.system) {
            fmt::print("{:<4} {}\n", place.name, "-");
            continue;
        }
        System& system = *place.system;
        Array<float> x(system, numbers), parts(system, n / 100), result(system, 1), by_key(system, columns),
            by_column(system, columns);
        std::set<float> reduced, in_blocks;
        for (int run = 0; run < 30; ++run) {
            reduced.insert(system.sum(x.data(), n));
            system.sum_in_blocks(x.data(), n, parts.data(), result.data());
            in_blocks.insert(result.numbers()[0]);
        }
        if (system.name() == "CPP") { first = *in_blocks.begin(); }
        if (in_blocks.size() != 1 || *in_blocks.begin() != first) {
            throw std::runtime_error(place.name + ": a sum in blocks has other bits than the first one");
        }
        // A thousand rows of ten columns, both ways; here the bits may differ by rounding.
        system.column_sums_by_key(x.data(), by_key.data(), rows, columns);
        system.column_sums(x.data(), by_column.data(), rows, columns);
        const auto a = by_key.numbers(), b = by_column.numbers();
        double largest = 0;
        for (std::size_t k = 0; k < columns; ++k) { largest = std::max(largest, std::abs(double(a[k]) / b[k] - 1)); }
        if (!(largest < 1e-4)) { throw std::runtime_error(place.name + ": sums by key are not the columns' sums"); }
        fmt::print("{:<4} {:>9} {:>20} {:>8} {:>9} {:>20} {:>16}\n", place.name,
                   cell(std::abs(*reduced.begin() / exact - 1), ".0e"), cell(double(reduced.size()), ".0f"),
                   cell(std::abs(first / exact - 1), ".0e"), in_blocks.size(), "yes", "agree");
    }
}

// ## The operations, and whether they are right
//
// With whole numbers nothing is rounded, so all systems, the library's device backend and the cpu backend must get the same
// number in every place. Only softmax has to round, and what `exp` gives is not the same everywhere.
void check_operations(const std::vector<Place>& places, const std::vector<Operation>& operations, std::size_t N) {
    fmt::print("\nThe step's operations, batches of {}\n\n", N);
    fmt::print("{:<31} {:<10} {:>8} {:>9} {:>10} {:>14}  {}\n", "", "algorithm", "items", "KB", "kFLOP",
               "FLOP per byte", "as cpu");
    for (const auto& operation : operations) {
        const auto on_cpu = operation.on_cpu();
        on_cpu.run();
        const auto expected = on_cpu.result();
        const double tolerance = operation.name == "cross_entropy_forward" ? 1e-6 : 0;
        const auto check = [&](const std::string& who, const Ready& ready) {
            ready.run();
            const auto actual = ready.result();
            for (std::size_t i = 0; i < expected.size(); ++i) {
                if (!(std::abs(actual[i] - expected[i]) <= tolerance)) {
                    throw std::runtime_error(fmt::format("{} of {}: number {} is {}, expected {}", operation.name, who,
                                                         i, actual[i], expected[i]));
                }
            }
        };
        for (const auto& place : places) {
            if (place.system) { check(place.name, operation.on_system(*place.system)); }
        }
        if (device::is_available()) { check("the device backend", operation.on_device()); }
        fmt::print("{:<31} {:<10} {:>8.0f} {:>9.1f} {:>10.1f} {:>14.2f}  {}\n", operation.name, operation.algorithm,
                   operation.items, operation.bytes / 1e3, operation.flops / 1e3, operation.flops / operation.bytes,
                   tolerance == 0 ? "equal" : "within 1e-6");
    }
}

// ## What they cost
//
// Each on every system, by the library's device backend with its plain kernels, which are much like ours, and with its fast
// ones, and by the cpu backend. Where the device is this computer's own cores, the fast kernels *are* the cpu backend's.
std::vector<std::vector<double>> time_operations(const std::vector<Place>& places,
                                                 const std::vector<Operation>& operations, app::Program& program) {
    fmt::print("\nus a call\n\n{:<31}", "");
    for (const auto& place : places) { fmt::print(" {:>9}", place.name); }
    fmt::print(" {:>9} {:>9} {:>9}\n", "plain", "device", "cpu");
    std::vector<std::vector<double>> all;
    for (const auto& operation : operations) {
        std::vector<double> seconds;
        for (const auto& place : places) {
            seconds.push_back(place.system ? time_on(*place.system, operation.on_system(*place.system).run) : NAN);
        }
        const auto run = device::is_available() ? operation.on_device().run : std::function<void()>();
        device::set_algorithm(device::Algorithm::plain);
        seconds.push_back(time_on_device(run));
        device::set_algorithm(device::Algorithm::fast);
        seconds.push_back(time_on_device(run));
        seconds.push_back(time_on_cpu(operation.on_cpu().run));
        fmt::print("{:<31}", operation.name);
        std::vector<double> microseconds;
        for (const double s : seconds) {
            fmt::print(" {:>9}", cell(s * 1e6));
            microseconds.push_back(s * 1e6);
        }
        fmt::print("\n");
        program.result("microseconds_" + operation.name, microseconds);
        all.push_back(seconds);
    }
    return all;
}

// ## How to read them
//
// For the most parallel system that we have: how often the operation's items fill the machine, what part of the bandwidth
// of a large relu it reached, and how many operations a second. An operation with few items is slow because the machine is
// idle; one with many items and few operations a byte should be near 100 percent of the bandwidth; one with many operations
// a byte should be near what the arithmetic can do (chapter 3). If it is none of them, something can be improved.
void read_times(const System& system, std::size_t column, double bandwidth, const std::vector<Operation>& operations,
                const std::vector<std::vector<double>>& seconds) {
    fmt::print("\n{}: {:.0f} items at a time\n\n", system.name(), system.at_a_time());
    fmt::print("{:<31} {:>10} {:>9} {:>15} {:>10}\n", "", "fills it", "GB/s", "% of relu's", "GFLOP/s");
    for (std::size_t i = 0; i < operations.size(); ++i) {
        const auto& operation = operations[i];
        const double rate = operation.bytes / seconds[i][column];
        fmt::print("{:<31} {:>10} {:>9} {:>15} {:>10}\n", operation.name,
                   cell(operation.items / system.at_a_time(), ".3g"), cell(rate / 1e9, ".2f"),
                   cell(100 * rate / bandwidth, ".0f"), cell(operation.flops / seconds[i][column] / 1e9, ".2f"));
    }
}

// ### Occupancy
//
// "Fills it" counts threads as if each of them found room. On a GPU a thread needs registers, and a multiprocessor has a
// fixed number of them, so a complicated function leaves room for fewer threads. The compiler and the GPU can be asked.
void read_occupancy(const std::vector<Place>& places) {
    std::vector<KernelUse> uses;
    for (const auto& place : places) {
        if (!place.system) { continue; }
        for (const auto& use : place.system->kernel_use()) { uses.push_back(use); }
    }
    fmt::print("\n{:<31} {:>9} {:>17} {:>11}\n", "On a GPU", "registers", "threads a block", "occupancy");
    for (const std::string name :
         {"relu_forward", "linear_forward", "conv2d_forward", "conv2d_backward_input", "conv2d_backward_weight"}) {
        const auto use = std::find_if(uses.begin(), uses.end(), [&](const KernelUse& u) { return u.name == name; });
        const bool known = use != uses.end();
        fmt::print("{:<31} {:>9} {:>17} {:>11}\n", name, cell(known ? use->registers : NAN, ".0f"),
                   cell(known ? use->threads : NAN, ".0f"), cell(known ? use->occupancy : NAN, ".2f"));
    }
}

// ## Three in one, six in one
//
// The first block in three passes and in one; and SGD for the six parameters one after another, against all of them in one
// array. The operations are the same; what is saved is memory traffic and two starts in the one case, five starts in the
// other. Whether that shows depends on what the rest costs.
void lesson_fusion(const std::vector<Place>& places, int N, Random random) {
    const ConvSizes s{N, 1, 28, 28, 10, 5, 5};
    const auto inputs = [&](int n) {
        const auto t = whole_numbers({static_cast<std::size_t>(n)}, random);
        return std::vector<float>(t.begin(), t.end());
    };
    const auto x = inputs(s.x()), w = inputs(s.w()), b = inputs(s.K), g = inputs(8490);
    fmt::print("\nFusion, us\n\n{:<5} {:>9} {:>9} {:>9} {:>9} {:>12} {:>12} {:>9}\n", "", "conv", "relu", "pool",
               "three", "one for all", "six sgd", "one sgd");
    for (const auto& place : places) {
        std::vector<double> seconds(7, NAN);
        if (place.system) {
            System& system = *place.system;
            const auto size = [](int n) { return static_cast<std::size_t>(n); };
            Array<float> dx(system, x), dw(system, w), db(system, b), z(system, size(s.y())), h(system, size(s.y())),
                y(system, size(s.pooled())), p(system, g), dg(system, g), v(system, g);
            Array<std::int32_t> winners(system, size(s.pooled()));
            const auto conv = [&] { system.conv2d_forward(s, dx.data(), dw.data(), db.data(), z.data()); };
            const auto relu = [&] { system.relu_forward(z.data(), h.data(), z.size()); };
            const auto pool = [&] { system.max_pool2d_forward(h.data(), N * 10, 24, 24, y.data(), winners.data()); };
            const auto three = [&] { conv(), relu(), pool(); };
            const auto fused = [&] {
                system.conv2d_relu_max_pool2d_forward(s, dx.data(), dw.data(), db.data(), y.data(), winners.data());
            };
            const auto sgd = [&](std::size_t begin, std::size_t n) {
                system.sgd_step(p.data() + begin, dg.data() + begin, v.data() + begin, n, 0, 0);
            };
            const auto six = [&] {
                sgd(0, 250), sgd(250, 10), sgd(260, 5000), sgd(5260, 20), sgd(5280, 3200), sgd(8480, 10);
            };
            const auto one = [&] { sgd(0, 8490); };
            const std::vector<std::function<void()>> calls = {conv, relu, pool, three, fused, six, one};
            for (std::size_t i = 0; i < calls.size(); ++i) { seconds[i] = time_on(system, calls[i]); }
        }
        fmt::print("{:<5}", place.name);
        for (std::size_t i = 0; i < seconds.size(); ++i) {
            fmt::print(" {:>{}}", cell(seconds[i] * 1e6), i == 4 || i == 5 ? 12 : 9);
        }
        fmt::print("\n");
    }
}

int main(int argc, char** argv) {
    app::Program program("10_thrust",
                         "The same operations as parallel primitives, on any number of threads and on a GPU");
    auto& options = program.options();
    options.seed = 1234;
    options.batch_size = 64;
    int steps = 20;
    program.take({"--batch-size", "--data"});
    program.option("--steps", steps, 2, 900, "training steps");
    return program.main(argc, argv, [&] {
        const auto train_set = data::load_mnist(data::Split::train, options.data);
        const std::size_t needed = options.batch_size * static_cast<std::size_t>(steps);
        if (needed > train_set.size()) {
            throw std::runtime_error(fmt::format("{} steps of {} digits need {}, and there are {}", steps,
                                                 options.batch_size, needed, train_set.size()));
        }
        const auto places = find_places(options.threads);
        const auto bandwidths = lesson_transform(places, program);
        lesson_sums(places, Random(options.seed, 1));
        const auto operations = all_operations(options.batch_size, Random(options.seed, 2));
        check_operations(places, operations, options.batch_size);
        const auto seconds = time_operations(places, operations, program);
        std::size_t last = 0; // the most parallel one
        for (std::size_t i = 0; i < places.size(); ++i) {
            if (places[i].system && places[i].system->at_a_time() > places[last].system->at_a_time()) { last = i; }
        }
        read_times(*places[last].system, last, bandwidths[last], operations, seconds);
        read_occupancy(places);
        block::lesson();
        lesson_fusion(places, static_cast<int>(options.batch_size), Random(options.seed, 3));

        Task task{train_set, {options.batch_size}, steps, options.seed, {}};
        task.loader.seed = options.seed;
        task.loader.limit = needed;
        task.sgd.lr = 0.02;
        task.sgd.momentum = 0.9;
        lesson_step(places, task, program);
    });
}
