#include "cnn_tables.hpp"

#include <algorithm>
#include <map>
#include <stdexcept>
#include <utility>

#include <fmt/format.h>

#include "handgrad/device/system.hpp"
#include "handgrad/plot/figure.hpp"

#include "cnn_flops.hpp"
#include "contest.hpp"
#include "process.hpp"

namespace handgrad::benchmarks {
namespace {

void say_without_torch(const Options& options) {
    if (options.torch.empty()) { fmt::print("\nPyTorch is not there to compare with: ./run setup python3-torch\n"); }
}

// --- Growth. A case is "64x28": batch size and image size. ---

struct Case {
    std::size_t batch, size;
    std::string name() const { return fmt::format("{}x{}", batch, size); }
};

std::vector<Case> cases(bool quick) {
    if (quick) { return {{1, 28}, {4, 28}, {64, 28}, {64, 56}}; }
    std::vector<Case> all;
    for (const std::size_t batch : {1, 4, 16, 64, 256, 1024}) { all.push_back({batch, 28}); }
    for (const std::size_t size : {56, 112}) { all.push_back({64, size}); }
    return all;
}

/// Who, and the command; for every case the seconds an image took, of each round.
struct Runner {
    std::string name;
    std::vector<std::string> command;
    std::map<std::string, std::vector<double>> seconds = {};
};

void draw(const std::vector<Runner>& runners, const std::string& threads, const Options& options) {
    plot::Figure by_batch, by_size;
    by_batch.title("28 x 28 pixels, threads: " + threads).x_label("batch size").y_label("microseconds an image");
    by_size.title("batches of 64, threads: " + threads).x_label("pixels in a row").y_label("microseconds an image");
    by_batch.x_log().y_log();
    by_size.x_log().y_log();
    for (const Runner& runner : runners) {
        std::vector<double> x[2], y[2];
        for (const Case& c : cases(options.quick)) {
            const double time = 1e6 * median(runner.seconds.at(c.name()));
            if (c.size == 28) { x[0].push_back(static_cast<double>(c.batch)), y[0].push_back(time); }
            if (c.batch == 64) { x[1].push_back(static_cast<double>(c.size)), y[1].push_back(time); }
        }
        by_batch.line_points(runner.name, x[0], y[0]);
        by_size.line_points(runner.name, x[1], y[1]);
    }
    const auto saved = plot::save_side_by_side({by_batch, by_size}, options.out, "growth_" + threads);
    if (!saved.note.empty()) { fmt::print(stderr, "{}\n", saved.note); }
}

} // namespace

nlohmann::ordered_json run_cnn(const Options& options) {
    const std::size_t images = options.quick ? 256 : 60000, naive_images = options.quick ? 64 : 6000;
    const std::string limit = std::to_string(images), data = options.data;
    say_without_torch(options);

    auto all = nlohmann::ordered_json::array();
    for (const int number : options.threads) {
        const std::string threads = std::to_string(number);
        std::vector<Contestant> contestants;
        const auto add = [&](const std::string& name, std::vector<std::string> command) {
            command.insert(command.end(), {"--threads", threads});
            contestants.push_back({name, std::move(command)});
        };
        add("handgrad: bytes, shuffled and converted",
            {options.programs / "bench_cnn", "--data", data, "--limit", limit});
        if (!options.torch.empty()) {
            add("PyTorch: floats, slices of what was shuffled before",
                {options.torch, options.scripts / "torch_cnn.py", "epoch", data, "--limit", limit});
        }
        add(fmt::format("plain loops: {} images, times {}", naive_images, images / naive_images),
            {options.programs / "bench_naive_cnn", "--data", data, "--epoch", limit, "--limit",
             std::to_string(naive_images)});
        const double flops = flops_an_image() * static_cast<double>(images);
        add("arithmetic limit: as many operations by sgemm",
            {options.programs / "bench_sgemm", "--flops", fmt::format("{}", flops), "--seconds",
             options.quick ? "0.001" : "0.2"});
        auto table =
            run_contest(fmt::format("Chapter 09: an epoch of the CNN on MNIST, {} images, float, batch 64, threads: {}",
                                    images, threads),
                        contestants, options.rounds);

        const nlohmann::ordered_json ours = table["results"].front(), gemm = table["results"].back();
        const auto ratio = [&](const char* key) { return ours[key].get<double>() / gemm[key].get<double>(); };
        const double peak = flops / gemm["fastest_seconds"].get<double>();
        table["limit"] = {{"flops_an_image", flops_an_image()},
                          {"sgemm_flops_per_second", peak},
                          {"ratio_of_medians", ratio("median_seconds")},
                          {"ratio_of_fastest", ratio("fastest_seconds")}};
        fmt::print("{:.4f} MFLOP an image; sgemm at its best: {:.1f} GFLOP/s. handgrad takes {:.2f} times the limit by "
                   "the medians, {:.2f} by the fastest.\n",
                   flops_an_image() / 1e6, peak / 1e9, ratio("median_seconds"), ratio("fastest_seconds"));
        std::fflush(stdout);
        all.push_back(table);
    }
    return all;
}

nlohmann::ordered_json run_device(const Options& options) {
    try {
        device::require_available();
    } catch (const std::runtime_error& error) {
        fmt::print("\nNo device to measure: {}\n", error.what());
        return nullptr;
    }
    const std::string limit = options.quick ? "64" : "60000", data = options.data;
    const std::string threads = std::to_string(options.threads.back());
    // On a few cores Thrust alone would take minutes.
    const std::string part = device::is_gpu() ? limit : options.quick ? "32" : "3000";
    const std::string times = std::to_string(std::stoi(limit) / std::stoi(part));
    auto all = nlohmann::ordered_json::array();
    std::vector<std::string> batches = {"64", "1024"};
    if (options.quick) { batches = {"32"}; }
    for (const std::string& batch : batches) {
        std::vector<Contestant> contestants;
        const auto add = [&](const std::string& name, std::vector<std::string> command, const std::string& images) {
            command.insert(command.end(), {"--threads", threads, "--batch-size", batch, "--limit", images});
            contestants.push_back({name, std::move(command)});
        };
        const auto ours = options.programs / "bench_cnn";
        const std::string alone =
            "the same, Thrust alone" + (part == limit ? "" : ": " + part + " images, times " + times);
        add("handgrad on the device", {ours, "--data", data, "--device", "fast"}, limit);
        add(alone, {ours, "--data", data, "--device", "plain", "--times", times}, part);
        add("handgrad on the device, unfused", {ours, "--data", data, "--device", "fast", "--unfused"}, limit);
        add(alone, {ours, "--data", data, "--device", "plain", "--unfused", "--times", times}, part);
        add("handgrad on the cpu", {ours, "--data", data}, limit);
        if (!options.torch.empty()) {
            const auto script = options.scripts / "torch_cnn.py";
            add("PyTorch on the cpu", {options.torch, script, "epoch", data}, limit);
            if (device::is_gpu()) {
                add("PyTorch on the GPU", {options.torch, script, "epoch", data, "--device", "cuda"}, limit);
            }
        }
        auto table = run_contest(fmt::format("Chapter 09: an epoch of the CNN on the device ({}), {} images, float, "
                                             "batch {}, threads: {}",
                                             device::description(), limit, batch, threads),
                                 contestants, options.rounds);
        table["device"] = device::description();
        all.push_back(table);
    }
    return all;
}

nlohmann::ordered_json run_growth(const Options& options) {
    say_without_torch(options);
    auto all = nlohmann::ordered_json::array();
    for (const int number : options.threads) {
        const std::string threads = std::to_string(number);
        std::vector<Runner> runners = {{"handgrad", {options.programs / "bench_growth"}}};
        if (!options.torch.empty()) {
            runners.push_back({"PyTorch", {options.torch, options.scripts / "torch_cnn.py", "growth"}});
        }
        for (int round = 0; round < options.rounds; ++round) {
            for (Runner& runner : runners) {
                auto command = runner.command;
                command.insert(command.end(),
                               {"--threads", threads, "--seconds", options.quick ? "0.001" : "0.3", "--cases"});
                for (const Case& c : cases(options.quick)) { command.push_back(c.name()); }
                for (const auto& result : run_json(command)) {
                    const Case c{result.at("batch"), result.at("size")};
                    runner.seconds[c.name()].push_back(result.at("seconds"));
                }
            }
        }

        fmt::print("\nGrowth: a training step of the CNN, microseconds an image, median; threads: {}\n\n{:>6} {:>10}",
                   threads, "batch", "image");
        for (const Runner& runner : runners) { fmt::print(" {:>10} {:>8}", runner.name, "GFLOP/s"); }
        fmt::print(" {:>7}\n", runners.size() > 1 ? "ratio" : "");
        for (const Case& c : cases(options.quick)) {
            nlohmann::ordered_json row{{"threads", number}, {"batch", c.batch}, {"size", c.size}};
            std::vector<double> times;
            fmt::print("{:>6} {:>10}", c.batch, fmt::format("{0} x {0}", c.size));
            for (const Runner& runner : runners) {
                times.push_back(median(runner.seconds.at(c.name())));
                fmt::print(" {:>10.2f} {:>8.2f}", times.back() * 1e6, flops_an_image(c.size) / times.back() / 1e9);
                row[runner.name] = {{"median_seconds_an_image", times.back()},
                                    {"seconds_an_image", runner.seconds.at(c.name())}};
            }
            fmt::print(" {:>7}\n", times.size() > 1 ? fmt::format("{:.2f}", times[1] / times[0]) : "");
            all.push_back(row);
        }
        draw(runners, threads, options);
        std::fflush(stdout);
    }
    return all;
}

} // namespace handgrad::benchmarks
